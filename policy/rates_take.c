/* policy/rates_take.c - from an envelope to what is taken from which buckets. */
#include "policy/rates_take.h"

#include "gateway/mail/domain.h"

/* Room for all parts, each byte of three addresses escaped. */
enum { TEXT_MAX = 8192, ADDRESSES_ARENA_BYTES = 1 << 20 };

struct text {
    char bytes[TEXT_MAX];
    size_t len;
};

struct taking {
    const struct rates_limit *limit;
    const struct session *session;
    const struct message *message;
    struct arena scratch; /* for keys that are too long for the store as they are */
    const struct rates_taker *taker;
};

/* ---- whom a limit is for ---- */

static bool has_client(const struct conf_nets *nets, const struct addr *client)
{
    for (size_t i = 0; i < nets->count; i++)
        if (addr_in(client, &nets->items[i]))
            return true;
    return false;
}

/* "joe", "joe@example.org", or "@example.org" for all of a domain. */
static bool has_user(const struct conf_strs *users, struct span user)
{
    for (size_t i = 0; i < users->count; i++) {
        const char *entry = users->items[i];

        if (entry[0] == '@' ? span_iends(user, span_of(entry)) : span_iis(user, entry))
            return true;
    }
    return false;
}

static bool has_address(const struct access_set *set, const struct address *address)
{
    return set && access_set_has_address(set, address, NULL);
}

static bool is_direction(const struct rates_limit *limit, const struct session *s)
{
    enum direction direction = session_direction(s);

    return limit->direction == RATES_BOTH || (limit->direction == RATES_INBOUND) == (direction == DIRECTION_INBOUND);
}

static bool is_for(const struct rates_limit *limit, const struct session *s)
{
    const struct rates_people *only = &limit->only, *exempt = &limit->exempt;

    if (!is_direction(limit, s))
        return false;
    if (has_client(&exempt->clients, &s->client) || has_user(&exempt->users, s->auth_user) ||
        has_address(exempt->sender_set, &s->mail_from))
        return false;
    return (!only->clients.count || has_client(&only->clients, &s->client)) &&
           (!only->users.count || has_user(&only->users, s->auth_user)) &&
           (!only->senders.count || has_address(only->sender_set, &s->mail_from));
}

static bool is_for_recipient(const struct rates_limit *limit, const struct address *recipient)
{
    if (has_address(limit->exempt.recipient_set, recipient))
        return false;
    return !limit->only.recipients.count || has_address(limit->only.recipient_set, recipient);
}

/* ---- keys ---- */

static void put_byte(struct text *t, char c)
{
    if (t->len < TEXT_MAX)
        t->bytes[t->len++] = c;
}

static void put_plain(struct text *t, const char *text)
{
    for (; *text; text++)
        put_byte(t, *text);
}

static bool put_value(struct text *t, struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)ascii_lower(value.ptr[i]);

        if (c > ' ' && c < 0x7f && c != '%') {
            put_byte(t, (char)c);
            continue;
        }
        put_byte(t, '%');
        put_byte(t, "0123456789ABCDEF"[c >> 4]);
        put_byte(t, "0123456789ABCDEF"[c & 15]);
    }
    return value.len > 0;
}

static bool put_domain(struct text *t, struct span domain, bool is_organization)
{
    char normal[DOMAIN_MAX];
    const char *organization = NULL;

    if (domain_normal(domain, normal))
        return put_value(t, domain); /* a literal, or what is no domain at all */
    if (is_organization)
        organization = domain_org_psl(normal);
    return put_value(t, span_of(organization ? organization : normal));
}

static bool put_client(struct text *t, const struct addr *client, const struct rates_part *part)
{
    unsigned bits = client->family == ADDR_IP4 ? part->bits4 : part->bits6;
    struct addr_net net = { .base = addr_mask(client, bits), .bits = bits };
    char text[ADDR_NET_TEXT_MAX];
    bool is_whole = bits == (client->family == ADDR_IP4 ? 32 : 128);

    if (client->family == ADDR_NONE)
        return false;
    put_plain(t, is_whole ? addr_text(client, text) : addr_net_text(&net, text));
    return true;
}

/* False: this mail has no such thing. */
static bool put_part(struct text *t, const struct session *s, const struct address *recipient,
                     const struct rates_part *part)
{
    struct span to = recipient && recipient->domain.len ? recipient->domain : span_of(s->hostname);

    switch (part->kind) {
    case RATES_CLIENT: return put_client(t, &s->client, part);
    case RATES_HELO: return put_value(t, s->helo);
    case RATES_USER: return put_value(t, s->auth_user);
    case RATES_SENDER: return put_value(t, s->mail_from.text);
    case RATES_SENDER_DOMAIN: return put_domain(t, s->mail_from.domain, false);
    case RATES_SENDER_ORGANIZATION: return put_domain(t, s->mail_from.domain, true);
    case RATES_RECIPIENT: return recipient && put_value(t, recipient->text);
    case RATES_RECIPIENT_DOMAIN: return recipient && put_domain(t, to, false);
    case RATES_RECIPIENT_ORGANIZATION: return recipient && put_domain(t, to, true);
    case RATES_CONSTANT: put_plain(t, part->text); return true;
    }
    return false;
}

static bool put_values(struct text *t, const struct taking *w, const struct address *recipient)
{
    const struct rates_key *key = &w->limit->key;

    t->len = 0;
    for (size_t i = 0; i < key->count; i++) {
        if (i)
            put_byte(t, ' ');
        if (!put_part(t, w->session, recipient, &key->parts[i]))
            return false;
    }
    return true;
}

static struct span key_of(struct taking *w, const struct text *values, const struct rates_window *window,
                          struct text *out)
{
    out->len = 0;
    put_plain(out, "r:");
    put_plain(out, w->limit->title);
    put_byte(out, '/');
    put_plain(out, window->span);
    put_plain(out, w->message ? "/message:" : ":");
    for (size_t i = 0; i < values->len; i++)
        put_byte(out, values->bytes[i]);
    if (out->len <= STORE_KEY_MAX)
        return span_make(out->bytes, out->len);
    arena_clear(&w->scratch);
    return store_key(&w->scratch, span_make(out->bytes, out->len));
}

bool rates_name_parse(struct span key, struct rates_name *out)
{
    struct span rest = key, title = { 0 }, window = { 0 };
    struct rates_name name = { 0 };

    if (!span_starts(key, SPAN("r:")))
        return false;
    rest = span_skip(rest, 2);
    if (!span_cut(&rest, '/', &title) || !rest.ptr || !span_cut(&rest, ':', &window) || !rest.ptr)
        return false;
    name.limit = title;
    name.value = rest;
    span_cut(&window, '/', &name.window);
    name.is_message = span_is(window, "message");
    if (window.ptr && !name.is_message)
        return false;
    *out = name;
    return true;
}

/* ---- what is taken ---- */

static struct store_rate rate_of(const struct rates_limit *limit, const struct rates_window *window, double cost)
{
    return (struct store_rate){ .cost = cost,
                                .rate = window->count / ((double)window->per_ms / 1000),
                                .capacity = window->burst,
                                .life_ms = rates_life_ms(limit, window),
                                .by = 1,
                                .least = limit->factor_least / 100.0,
                                .most = limit->factor_most / 100.0 };
}

static void take(struct taking *w, const struct text *values, double cost, uint64_t nonce, size_t recipient)
{
    const struct rates_limit *limit = w->limit;
    struct text key;

    for (size_t i = 0; i < limit->window_count; i++) {
        const struct rates_window *window = &limit->windows[i];
        const struct rates_take t = { .limit = limit,
                                      .window = window,
                                      .recipient = recipient,
                                      .op = { .kind = STORE_RATE_TAKE,
                                              .key = key_of(w, values, window, &key),
                                              .nonce = nonce,
                                              .rate = rate_of(limit, window, cost) } };

        w->taker->take(w->taker->arg, &t);
    }
}

/* Recipients are told apart by their addresses, not by their places: one that the next hop has refused leaves its place
 * to the next. */
static uint64_t nonce_of(const struct address *recipient)
{
    uint64_t h = 14695981039346656037ULL;

    for (size_t i = 0; i < recipient->text.len; i++)
        h = (h ^ (uint8_t)ascii_lower(recipient->text.ptr[i])) * 1099511628211ULL;
    return h ^ h >> 29;
}

static bool skips(const struct taking *w, size_t recipient)
{
    return w->taker->skips && w->taker->skips(w->taker->arg, recipient);
}

static double bytes_of(const struct taking *w)
{
    return w->message ? (double)w->message->bytes.len : (double)w->session->declared_bytes;
}

static double cost_of(const struct taking *w)
{
    return w->limit->cost == RATES_BYTE_COST ? bytes_of(w) : 1;
}

static void take_for_each_recipient(struct taking *w)
{
    const struct session *s = w->session;
    bool is_each = w->limit->cost == RATES_RECIPIENT_COST;
    struct text values;

    for (size_t i = 0; i < s->recipient_count; i++) {
        const struct address *recipient = &s->recipients[i].address;

        if (!skips(w, i) && is_for_recipient(w->limit, recipient) && put_values(&values, w, recipient))
            take(w, &values, cost_of(w), is_each ? nonce_of(recipient) : 0, i);
    }
}

/* All recipients share a bucket. At RCPT each takes for itself, so that some may pass; later all take at once. So do
 * those without a name, who count as people that the limit is for. */
static void take_together(struct taking *w)
{
    const struct session *s = w->session;
    bool is_each = w->limit->cost == RATES_RECIPIENT_COST;
    struct text values;
    size_t count = w->limit->only.recipients.count ? 0 : s->unnamed_recipients;

    if (!put_values(&values, w, NULL))
        return;
    for (size_t i = 0; i < s->recipient_count && (is_each || !count); i++) {
        const struct address *recipient = &s->recipients[i].address;

        if ((is_each && !w->message && skips(w, i)) || !is_for_recipient(w->limit, recipient))
            continue;
        if (is_each && !w->message)
            take(w, &values, 1, nonce_of(recipient), i);
        else
            count++;
    }
    if (count)
        take(w, &values, is_each ? (double)count : cost_of(w), 0, RATES_ALL);
}

bool rates_takes(const struct rates_limit *limit, const struct session *s, const struct message *message,
                 const struct rates_taker *taker)
{
    struct taking w = { .limit = limit, .session = s, .message = message, .taker = taker };

    if (!is_for(limit, s))
        return false;
    arena_init(&w.scratch, ADDRESSES_ARENA_BYTES);
    if (limit->key.has_recipient)
        take_for_each_recipient(&w);
    else
        take_together(&w);
    arena_release(&w.scratch);
    return true;
}
