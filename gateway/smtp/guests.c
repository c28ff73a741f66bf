/* smtp/guests.c - clients by address and network. Places are a hash table with chains, as large as there are clients.
 */
#include "gateway/smtp/guests.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"

enum {
    SLOTS_LEAST = 64,
    ASK_MS = 500,      /* a greeting waits no longer for the store */
    LIFE_MS = 3600000, /* of a bucket: it may be fuller than full, by what was told afterwards */
    KEY_MAX = 128,
    TELL_MS = 60000,
    RENEWED_PER_LIFE = 4, /* a good client's pass is written again only when so much of it has gone */
};

struct guest_place {
    struct guest_place *next;
    struct addr addr;
    enum guest_scope scope;
    uint32_t connections;
};

struct guests {
    const struct clients_conf *conf;
    struct engine *engine;
    struct guest_place **slots;
    size_t slot_count, count;
};

/* ---- places ---- */

static const struct client_limits *limits_of(const struct guests *guests, enum guest_scope scope)
{
    return scope == GUEST_ADDRESS ? &guests->conf->address : &guests->conf->network;
}

static unsigned bits_of(const struct guests *guests, enum guest_scope scope, const struct addr *client)
{
    const struct client_limits *limits = limits_of(guests, scope);

    return (unsigned)(client->family == ADDR_IP4 ? limits->bits4 : limits->bits6);
}

static struct guest_place **slot_of(const struct guests *guests, enum guest_scope scope, const struct addr *addr)
{
    uint64_t h = 14695981039346656037ULL ^ (uint64_t)scope;

    for (size_t i = 0; i < sizeof addr->bytes; i++)
        h = (h ^ addr->bytes[i]) * 1099511628211ULL;
    return &guests->slots[(h ^ h >> 29) & (guests->slot_count - 1)];
}

static void grow(struct guests *guests)
{
    struct guest_place **old = guests->slots, *next;
    size_t old_count = guests->slot_count;

    guests->slot_count = old_count ? 2 * old_count : SLOTS_LEAST;
    guests->slots = mem_alloc(guests->slot_count * sizeof *guests->slots);
    for (size_t i = 0; i < old_count; i++)
        for (struct guest_place *p = old[i]; p; p = next) {
            struct guest_place **slot = slot_of(guests, p->scope, &p->addr);

            next = p->next;
            p->next = *slot;
            *slot = p;
        }
    free(old);
}

static struct guest_place *place_of(struct guests *guests, enum guest_scope scope, const struct addr *client)
{
    const struct addr addr = addr_mask(client, bits_of(guests, scope, client));
    struct guest_place **slot;

    if (guests->count >= guests->slot_count)
        grow(guests);
    slot = slot_of(guests, scope, &addr);
    for (struct guest_place *p = *slot; p; p = p->next)
        if (p->scope == scope && addr_eq(&p->addr, &addr))
            return p;
    struct guest_place *p = mem_alloc(sizeof *p);

    *p = (struct guest_place){ .next = *slot, .addr = addr, .scope = scope };
    *slot = p;
    guests->count++;
    return p;
}

static void drop_if_empty(struct guests *guests, struct guest_place *place)
{
    struct guest_place **at = slot_of(guests, place->scope, &place->addr);

    if (place->connections)
        return;
    while (*at != place)
        at = &(*at)->next;
    *at = place->next;
    free(place);
    guests->count--;
}

struct guests *guests_new(const struct clients_conf *conf, struct engine *engine)
{
    struct guests *guests = mem_alloc(sizeof *guests);

    *guests = (struct guests){ .conf = conf, .engine = engine };
    grow(guests);
    return guests;
}

void guests_free(struct guests *guests)
{
    if (!guests)
        return;
    if (guests->count)
        BUG("%zu places have guests", guests->count);
    free(guests->slots);
    free(guests);
}

size_t guests_places(const struct guests *guests)
{
    return guests->count;
}

/* ---- coming and going ---- */

static void leave_places(struct guest *g)
{
    for (size_t i = 0; i < GUEST_SCOPES; i++) {
        if (!g->places[i])
            continue;
        g->places[i]->connections--;
        drop_if_empty(g->guests, g->places[i]);
        g->places[i] = NULL;
    }
}

bool guest_enter(struct guests *guests, const struct addr *client, bool is_known, struct guest *out)
{
    *out = (struct guest){ .guests = guests, .client = *client, .is_known = is_known };
    for (unsigned i = 0; i < GUEST_SCOPES && !is_known; i++) {
        struct guest_place *place = out->places[i] = place_of(guests, i, client);
        int64_t most = limits_of(guests, i)->connections;

        place->connections++;
        if (!most || place->connections <= most)
            continue;
        leave_places(out);
        *out =
            (struct guest){ .guests = guests, .client = *client, .over = GUEST_CONNECTIONS, .over_scope = (uint8_t)i };
        return false;
    }
    return true;
}

const char *guest_reason(const struct guest *g, char *out)
{
    static const char *const words[] = {
        [GUEST_CONNECTIONS] = "connections at once",
        [GUEST_RATE] = "connections a minute",
        [GUEST_RECIPIENTS] = "recipients a minute",
        [GUEST_ERRORS] = "errors a minute",
    };
    const unsigned bits = bits_of(g->guests, g->over_scope, &g->client);
    const struct addr_net net = { addr_mask(&g->client, bits), bits };
    char text[ADDR_NET_TEXT_MAX], single[ADDR_TEXT_MAX];
    bool is_single = bits == (g->client.family == ADDR_IP4 ? 32 : 128);

    snprintf(out, GUEST_REASON_MAX, "%s from %s", words[g->over],
             is_single ? addr_text(&g->client, single) : addr_net_text(&net, text));
    return out;
}

/* ---- what the store is asked ---- */

enum question { ASK_CONNECTIONS, ASK_RECIPIENTS, ASK_ERRORS, ASK_RATES, ASK_PASS = ASK_RATES };

struct guest_ask {
    struct guest_asking *all;
    struct store_query *query;
    enum question question;
    enum guest_scope scope;
};

struct guest_asking {
    struct guest *guest;
    loop_fn *fn;
    void *arg;
    unsigned awaited;
    struct guest_ask asks[ASK_RATES * GUEST_SCOPES + 1];
};

static const char *const question_words[] = { "connections", "recipients", "errors" };

static int64_t most_of(const struct guest *g, enum question question, enum guest_scope scope)
{
    const struct client_limits *limits = limits_of(g->guests, scope);

    switch (question) {
    case ASK_CONNECTIONS: return limits->rate_most;
    case ASK_RECIPIENTS: return limits->recipients_most;
    default: return limits->errors_most;
    }
}

static struct span key_of(const struct guest *g, const char *word, enum guest_scope scope, char key[KEY_MAX])
{
    const unsigned bits = bits_of(g->guests, scope, &g->client);
    const struct addr_net net = { addr_mask(&g->client, bits), bits };
    char text[ADDR_NET_TEXT_MAX];

    snprintf(key, KEY_MAX, "k:smtp-%s:%s", word, addr_net_text(&net, text));
    return span_of(key);
}

static struct store_op rate_op(const struct guest *g, enum question question, enum guest_scope scope,
                               enum store_kind kind, double cost, char key[KEY_MAX])
{
    double most = (double)most_of(g, question, scope);

    return (struct store_op){
        .kind = kind,
        .key = key_of(g, question_words[question], scope, key),
        .now_ms = clock_wall_ms(),
        .rate = { .cost = cost,
                  .rate = most / 60,
                  .capacity = most,
                  .life_ms = LIFE_MS,
                  .by = 1,
                  .least = 1,
                  .most = 1 },
    };
}

static bool is_out(const struct store_answer *answer)
{
    return answer->state == STORE_TIMEOUT || answer->state == STORE_FAILED;
}

static void note_over(struct guest *g, enum question question, enum guest_scope scope)
{
    static const uint8_t limits[] = { GUEST_RATE, GUEST_RECIPIENTS, GUEST_ERRORS };

    if (!g->over) {
        g->over = limits[question];
        g->over_scope = (uint8_t)scope;
    }
}

/* Of a bucket that is only looked at: no room for one more is over. */
static void note_level(struct guest *g, enum question question, enum guest_scope scope, double level)
{
    if (level + 1 > (double)most_of(g, question, scope))
        note_over(g, question, scope);
    else if (question == ASK_RECIPIENTS)
        g->levels[scope] = level;
}

static void take_rate(struct guest *g, enum question question, enum guest_scope scope,
                      const struct store_answer *answer)
{
    struct store_answer local;
    struct store_rate_state state = { 0 };
    char key[KEY_MAX];
    bool is_taken = question == ASK_CONNECTIONS;

    if (is_out(answer)) {
        struct store_op op = rate_op(g, question, scope, STORE_RATE_TAKE, is_taken ? 1 : 0, key);

        g->is_store_out = true;
        store_do_local(g->guests->engine->store, &op, &local);
        state.level = local.state == STORE_OK ? local.rate.level : 0;
        answer = &local;
    } else if (!is_taken && answer->state == STORE_OK) {
        store_rate_look(answer->value, (double)most_of(g, question, scope) / 60, clock_wall_ms(), &state);
    }
    if (!is_taken)
        note_level(g, question, scope, state.level);
    else if (answer->state == STORE_OK && answer->rate.is_over)
        note_over(g, question, scope);
}

static void take_pass(struct guest *g, const struct store_answer *answer)
{
    g->is_asked = !is_out(answer);
    g->is_store_out |= is_out(answer);
    if (answer->state != STORE_OK)
        return;
    const struct guest_record record = guest_record_read(answer->value);
    int64_t age_ms = clock_wall_ms() - record.since_wall_ms;

    g->pass = (uint8_t)record.pass;
    g->is_pass_old = age_ms < 0 || age_ms > g->guests->conf->good_pass_ms / RENEWED_PER_LIFE;
}

static void on_answer(void *arg, const struct store_answer *answer)
{
    struct guest_ask *ask = arg;
    struct guest_asking *all = ask->all;
    struct guest *g = all->guest;
    loop_fn *fn = all->fn;
    void *its_arg = all->arg;

    ask->query = NULL;
    if (ask->question == ASK_PASS)
        take_pass(g, answer);
    else
        take_rate(g, ask->question, ask->scope, answer);
    if (--all->awaited)
        return;
    g->asking = NULL;
    free(all);
    fn(its_arg);
}

static void ask(struct guest_asking *all, enum question question, enum guest_scope scope)
{
    struct guest *g = all->guest;
    struct guest_ask *a = &all->asks[all->awaited++];
    enum store_kind kind = question == ASK_CONNECTIONS ? STORE_RATE_TAKE : STORE_GET;
    char key[KEY_MAX];
    struct store_op op = { .kind = STORE_GET, .now_ms = clock_wall_ms() };

    *a = (struct guest_ask){ .all = all, .question = question, .scope = scope };
    if (question == ASK_PASS)
        op.key = key_of(g, "pass", GUEST_ADDRESS, key);
    else
        op = rate_op(g, question, scope, kind, 1, key);
    a->query = store_ask(g->guests->engine->store, &op, ASK_MS, on_answer, a);
}

bool guest_ask(struct guest *g, loop_fn *fn, void *arg)
{
    const struct clients_conf *conf = g->guests->conf;
    struct guest_asking *all;

    if (g->is_known || !g->guests->engine->store)
        return false;
    g->is_counted = true;
    g->told_ms = g->levels_ms = clock_mono_ms();
    all = mem_alloc(sizeof *all);
    *all = (struct guest_asking){ .guest = g, .fn = fn, .arg = arg };
    g->asking = all;
    for (unsigned scope = 0; scope < GUEST_SCOPES; scope++)
        for (unsigned question = 0; question < ASK_RATES; question++)
            if (most_of(g, question, scope))
                ask(all, question, scope);
    if (conf->greet_wait_ms)
        ask(all, ASK_PASS, GUEST_ADDRESS);
    if (all->awaited)
        return true;
    g->asking = NULL;
    free(all);
    return false;
}

static void cancel(struct guest *g)
{
    struct guest_asking *all = g->asking;

    if (!all)
        return;
    for (size_t i = 0; i < COUNT(all->asks); i++)
        if (all->asks[i].query)
            store_cancel(g->guests->engine->store, all->asks[i].query);
    g->asking = NULL;
    free(all);
}

/* ---- what the store is told ---- */

static void tell_rate(const struct guest *g, enum question question, enum guest_scope scope, uint32_t count)
{
    struct store *store = g->guests->engine->store;
    struct store_answer ignored;
    char key[KEY_MAX];

    if (!count || !store || !most_of(g, question, scope))
        return;
    struct store_op op = rate_op(g, question, scope, STORE_RATE_GIVE, -(double)count, key);

    if (g->is_store_out)
        store_do_local(store, &op, &ignored);
    else
        store_tell(store, &op);
}

static void tell_rates(struct guest *g)
{
    for (unsigned scope = 0; scope < GUEST_SCOPES && g->is_counted; scope++) {
        tell_rate(g, ASK_RECIPIENTS, scope, g->recipients);
        tell_rate(g, ASK_ERRORS, scope, g->errors);
    }
    g->recipients = g->errors = 0;
    g->told_ms = clock_mono_ms();
}

void guest_leave(struct guest *g)
{
    if (!g->guests)
        return;
    cancel(g);
    tell_rates(g);
    leave_places(g);
    g->guests = NULL;
}

/* ---- recipients ---- */

static double level_now(const struct guest *g, enum guest_scope scope, int64_t now_ms)
{
    double leaked = (double)(now_ms - g->levels_ms) / TELL_MS * (double)most_of(g, ASK_RECIPIENTS, scope);

    return g->levels[scope] > leaked ? g->levels[scope] - leaked : 0;
}

bool guest_may_add(const struct guest *g)
{
    int64_t now_ms = clock_mono_ms();

    for (unsigned scope = 0; scope < GUEST_SCOPES && g->is_counted; scope++) {
        int64_t most = most_of(g, ASK_RECIPIENTS, scope);

        if (most && level_now(g, scope, now_ms) + 1 > (double)most)
            return false;
    }
    return true;
}

void guest_add(struct guest *g)
{
    int64_t now_ms = clock_mono_ms();

    if (!g->is_counted)
        return;
    for (unsigned scope = 0; scope < GUEST_SCOPES; scope++)
        g->levels[scope] = level_now(g, scope, now_ms) + 1;
    g->levels_ms = now_ms;
    g->recipients++;
    if (now_ms - g->told_ms >= TELL_MS)
        tell_rates(g);
}

/* ---- passes ---- */

static void tell_pass(struct guest *g, enum guest_pass pass, int64_t life_ms)
{
    char key[KEY_MAX], value[GUEST_PASS_MAX];
    struct store_op op = { .now_ms = clock_wall_ms(), .kind = pass && life_ms ? STORE_PUT : STORE_DELETE };

    if (!g->is_asked || g->is_known)
        return;
    g->pass = (uint8_t)pass;
    g->is_pass_old = false;
    op.key = key_of(g, "pass", GUEST_ADDRESS, key);
    if (op.kind == STORE_PUT) {
        const struct guest_record record = { pass, op.now_ms };

        op.put.value = span_of(guest_record_text(&record, value));
        op.put.life_ms = life_ms;
    }
    store_tell(g->guests->engine->store, &op);
}

void guest_has_waited(struct guest *g)
{
    if (g->pass == GUEST_NO_PASS)
        tell_pass(g, GUEST_WAITED, g->guests->conf->greet_pass_ms);
}

void guest_is_good(struct guest *g)
{
    if (g->pass != GUEST_GOOD || g->is_pass_old)
        tell_pass(g, GUEST_GOOD, g->guests->conf->good_pass_ms);
}

void guest_misbehaves(struct guest *g)
{
    if (g->pass != GUEST_NO_PASS)
        tell_pass(g, GUEST_NO_PASS, 0);
}
