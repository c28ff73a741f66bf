/* rules/lists/lists.c - allow and block lists by configuration.
 *
 * Lists are tried in the order of the configuration. Each that matches adds its symbol with its points; the first that
 * accepts, rejects, defers or discards decides. Two things are not done unless asked for:
 *   - mail that is only for postmaster or abuse is not refused: somebody who is on a block list by mistake must be
 *     able to say so [RFC5321 4.5.1] [RFC2142 4];
 *   - an allow list by sender does not count unless SPF passed: the sender is what every forger writes.
 *
 * A map is a list that says for each entry what becomes of mail, as Postfix's access tables do. Its OK permits the
 * envelope: what checks of client, sender and recipients find does not count then, and the message is examined all the
 * same.
 *
 * Threads: the loop's; upkeep() changes what run() reads. Memory: sets are the module's, from open() to close().
 */
#include "rules/lists/lists.h"

#include "gateway/base/log.h"
#include "rules/lists/access_action.h"
#include "rules/lists/lists_conf.h"

/* A list's file is looked at twice a second; what is new of it is read in pieces that take about 5 ms: 7 s for 100000
 * entries, so that the loop is not held up. */
enum { UPKEEP_MS = 500, UPKEEP_BYTES = 128 * 1024 };

struct hit {
    struct access_match entry;
    bool is_of_file;
    struct span what; /* that was looked up; for people */
};

static const struct symbol symbols[] = { { 0 } };

static bool hits_name(const struct list *list, struct span name, struct hit *hit)
{
    hit->what = name;
    hit->is_of_file = list->file.set && access_set_has_name(list->file.set, name, &hit->entry);
    return hit->is_of_file || (list->set && access_set_has_name(list->set, name, &hit->entry));
}

static bool hits_address(const struct list *list, const struct address *address, struct hit *hit)
{
    hit->what = address->text.len ? address->text : SPAN("<>");
    hit->is_of_file = list->file.set && access_set_has_address(list->file.set, address, &hit->entry);
    return hit->is_of_file || (list->set && access_set_has_address(list->set, address, &hit->entry));
}

/* A map may have names of clients, too; Postfix looks at them first. */
static bool hits_client_name(const struct list *list, const struct inquiry *q, struct hit *hit)
{
    return q->evidence->iprev.result == AUTH_PASS && hits_name(list, span_of(q->evidence->iprev.name), hit);
}

static bool hits_client(const struct list *list, const struct inquiry *q, struct hit *hit)
{
    const struct addr *client = &q->session->client;

    if (list->action == LIST_MAP && hits_client_name(list, q, hit))
        return true;
    hit->what = span_of(addr_text(client, arena_alloc(q->arena, ADDR_TEXT_MAX)));
    hit->is_of_file = list->file.set && access_set_has_addr(list->file.set, client, &hit->entry);
    return hit->is_of_file || (list->set && access_set_has_addr(list->set, client, &hit->entry));
}

static bool hits_recipient(const struct list *list, const struct address *to, struct hit *hit)
{
    return list->match == LIST_RECIPIENT ? hits_address(list, to, hit) : hits_name(list, to->domain, hit);
}

/* What would be lost for good, or let in, for recipients who are not listed, wants all of them listed. */
static bool hits_recipients(const struct list *list, const struct session *s, struct hit *hit)
{
    bool wants_all = list->action == LIST_ACCEPT || list->action == LIST_DISCARD;
    size_t hits = 0;

    for (size_t i = 0; i < s->recipient_count; i++) {
        struct hit one = { 0 };

        if (hits_recipient(list, &s->recipients[i].address, &one)) {
            hits++;
            *hit = one;
        }
    }
    return hits && (hits == s->recipient_count || !wants_all);
}

static bool hits(const struct list *list, const struct inquiry *q, struct hit *hit)
{
    const struct session *s = q->session;

    switch ((enum list_match)list->match) {
    case LIST_CLIENT: return hits_client(list, q, hit);
    case LIST_CLIENT_NAME: return hits_client_name(list, q, hit);
    case LIST_HELO: return hits_name(list, s->helo, hit);
    case LIST_SENDER: return hits_address(list, &s->mail_from, hit);
    case LIST_SENDER_DOMAIN: return hits_name(list, s->mail_from.domain, hit);
    case LIST_RECIPIENT:
    case LIST_RECIPIENT_DOMAIN: break;
    }
    return hits_recipients(list, s, hit);
}

static bool is_allowing(const struct list *list)
{
    return list->action == LIST_ACCEPT || (list->action == LIST_SCORE && list->points < 0);
}

/* Why a match does not count; NULL: it does. */
static const char *exception(const struct list *list, const struct inquiry *q, bool is_allowing)
{
    bool is_by_sender = list->match == LIST_SENDER || list->match == LIST_SENDER_DOMAIN;

    if (!is_allowing)
        return q->is_exempt && !list->covers_roles ? "not counted, for the recipients are exempt (roles = no)" : NULL;
    if (is_by_sender && list->needs_spf && session_direction(q->session) == DIRECTION_INBOUND &&
        (q->evidence->spf_mailfrom.result != AUTH_PASS || q->evidence->spf_mailfrom.is_open))
        return "not counted, for SPF did not pass, or would for anybody (requires_spf = yes)";
    return NULL;
}

static void force(struct inquiry *q, const struct list *list)
{
    static const enum action actions[] = {
        [LIST_ACCEPT] = ACTION_ACCEPT,
        [LIST_REJECT] = ACTION_REJECT,
        [LIST_DEFER] = ACTION_DEFER,
        [LIST_DISCARD] = ACTION_DISCARD,
    };

    finding_force(q, actions[list->action], list->text[0] ? list->text : NULL);
}

static const char *place_of(struct inquiry *q, const struct list *list, const struct hit *hit)
{
    return hit->is_of_file ? arena_printf(q->arena, "%s:%u", list->path, hit->entry.line) : "its entries";
}

/* ---- maps ---- */

static void *map_make(int kind, size_t expected)
{
    return access_map_new((enum access_kind)kind, expected);
}

static const char *map_add(void *map, struct span line, unsigned number)
{
    struct access_action action;
    struct span value = line, entry;

    if (!span_word(&value, &entry))
        return NULL;
    const char *wrong = access_action_parse(span_trim(value), &action);

    return wrong ? wrong : access_map_add(map, entry, span_trim(value), number);
}

static void map_free(void *map)
{
    access_set_free(map);
}

static const struct access_reader map_reader = { true, map_make, map_add, map_free };

/* What a map says of one subject. */
struct said {
    struct hit hit;
    struct access_action action;
};

static bool is_refusing(enum access_verb verb)
{
    return verb == ACCESS_REJECT || verb == ACCESS_DEFER || verb == ACCESS_HOLD;
}

static bool says(bool is_hit, struct said *out)
{
    return is_hit && !access_action_parse(out->hit.entry.value, &out->action); /* the file was read with it */
}

/* Recipients: one who is refused decides for all that are here, for each has its turn at RCPT; OK and DISCARD want to
 * be said of all. */
static bool says_of_recipients(const struct list *list, const struct session *s, struct said *out)
{
    size_t alike = 0;
    bool is_hit = false;

    for (size_t i = 0; i < s->recipient_count; i++) {
        struct said one = { 0 };

        if (!says(hits_recipient(list, &s->recipients[i].address, &one.hit), &one))
            continue;
        if (is_refusing(one.action.verb)) {
            *out = one;
            return true;
        }
        if (!is_hit)
            *out = one;
        is_hit = true;
        alike += one.action.verb == out->action.verb;
    }
    bool wants_all = out->action.verb == ACCESS_PERMIT || out->action.verb == ACCESS_DISCARD;

    return is_hit && (alike == s->recipient_count || !wants_all);
}

static void prepend(struct inquiry *q, struct span field)
{
    struct span name, value;

    if (access_header(field, &name, &value))
        finding_header(q, arena_dup(q->arena, name), arena_dup(q->arena, value));
}

/* Does what the map says; true when that decides. */
static bool obey(struct inquiry *q, const struct access_action *action)
{
    static const enum action forced[] = {
        [ACCESS_REJECT] = ACTION_REJECT,
        [ACCESS_DEFER] = ACTION_DEFER,
        [ACCESS_DISCARD] = ACTION_DISCARD,
        [ACCESS_HOLD] = ACTION_QUARANTINE,
    };
    static const char denied[] = "5.7.1 Access denied";

    switch (action->verb) {
    case ACCESS_DUNNO:
    case ACCESS_TELL: return false;
    case ACCESS_PREPEND: prepend(q, action->text); return false;
    case ACCESS_PERMIT: finding_permit(q); return true;
    case ACCESS_REJECT:
    case ACCESS_DEFER:
    case ACCESS_DISCARD:
    case ACCESS_HOLD: break;
    }
    finding_force(q, forced[action->verb], action->text.len ? arena_dup(q->arena, action->text) : denied);
    return true;
}

static bool run_map(struct inquiry *q, const struct list *list, bool is_decided)
{
    bool is_by_recipient = list->match == LIST_RECIPIENT || list->match == LIST_RECIPIENT_DOMAIN;
    struct said said = { 0 };

    if (!(is_by_recipient ? says_of_recipients(list, q->session, &said) : says(hits(list, q, &said.hit), &said)) ||
        said.action.verb == ACCESS_DUNNO)
        return false;
    bool is_quiet = said.action.verb == ACCESS_TELL || said.action.verb == ACCESS_PREPEND;
    const char *why_not = is_quiet ? NULL : exception(list, q, said.action.verb == ACCESS_PERMIT);

    finding_name(q, list->symbol, 0, "%.*s is in map \"%s\" as %s (%s): %.*s%s%s",
                 SPAN_ARG(span_first(said.hit.what, 100)), list->title, said.hit.entry.text,
                 place_of(q, list, &said.hit), SPAN_ARG(span_first(said.hit.entry.value, 200)), why_not ? ", " : "",
                 why_not ? why_not : "");
    return !why_not && (is_quiet || !is_decided) && obey(q, &said.action);
}

static bool run_list(struct inquiry *q, const struct list *list, bool is_decided)
{
    struct hit hit;

    if (!hits(list, q, &hit))
        return false;
    const char *why_not = exception(list, q, is_allowing(list));

    finding_name(q, list->symbol, why_not ? 0 : list->points, "%.*s is in list \"%s\" as %s (%s)%s%s",
                 SPAN_ARG(span_first(hit.what, 100)), list->title, hit.entry.text, place_of(q, list, &hit),
                 why_not ? ", " : "", why_not ? why_not : "");
    if (why_not || list->action == LIST_SCORE || is_decided)
        return false;
    force(q, list);
    return true;
}

static enum step lists_run(struct inquiry *q)
{
    const struct lists_conf *conf = q->conf;
    const struct list *lists = conf->lists.items;
    bool is_decided = false;

    for (size_t i = 0; i < conf->lists.count; i++)
        is_decided |=
            lists[i].action == LIST_MAP ? run_map(q, &lists[i], is_decided) : run_list(q, &lists[i], is_decided);
    return STEP_DONE;
}

static void lists_bounds(const void *values, const int *points, struct bounds *out)
{
    const struct lists_conf *conf = values;
    const struct list *lists = conf->lists.items;

    (void)points;
    for (size_t i = 0; i < conf->lists.count; i++) {
        *(lists[i].points < 0 ? &out->least : &out->most) += lists[i].points;
        out->may_force_accept |= lists[i].action == LIST_ACCEPT || lists[i].action == LIST_MAP;
        out->may_force_reject |= lists[i].action != LIST_ACCEPT && lists[i].action != LIST_SCORE;
        out->may_force_discard |= lists[i].action == LIST_DISCARD || lists[i].action == LIST_MAP;
    }
}

static void open_entries(struct list *list)
{
    if (!list->entries.count)
        return;
    list->set = access_set_new(list_kind(list), list->entries.count);
    for (size_t i = 0; i < list->entries.count; i++)
        access_set_add(list->set, span_of(list->entries.items[i]), 0); /* the configuration has checked them */
}

static bool open_file(struct list *list)
{
    return list->action == LIST_MAP ? access_file_open_as(&list->file, list->path, &map_reader, (int)list_kind(list))
                                    : access_file_open(&list->file, list->path, list_kind(list));
}

static void lists_close(void *values)
{
    struct lists_conf *conf = values;
    struct list *lists = conf->lists.items;

    for (size_t i = 0; i < conf->lists.count; i++) {
        access_set_free(lists[i].set);
        lists[i].set = NULL;
        access_file_close(&lists[i].file);
    }
}

static const char *lists_open(struct arena *a, void *values)
{
    struct lists_conf *conf = values;
    struct list *lists = conf->lists.items;

    for (size_t i = 0; i < conf->lists.count; i++) {
        open_entries(&lists[i]);
        if (!lists[i].path[0] || open_file(&lists[i]))
            continue;
        const char *wrong =
            arena_printf(a, "list \"%s\": %s", lists[i].title, arena_dup(a, strbuf_span(&lists[i].file.refusal)));

        lists_close(values);
        return wrong;
    }
    return NULL;
}

/* The first fault will do: the rest is told when that is mended. */
static void raise_alarm(struct inquiry *q, const struct list *list)
{
    struct span rest = strbuf_span(&list->file.refusal), first = { 0 };

    span_cut(&rest, '\n', &first);
    finding_alarm(q, list->path, "list \"%s\" stays as it was: %.*s", list->title, SPAN_ARG(first));
}

static enum step lists_upkeep(struct inquiry *q)
{
    const struct lists_conf *conf = q->conf;
    struct list *lists = conf->lists.items;

    for (size_t i = 0; i < conf->lists.count; i++) {
        struct access_file *file = &lists[i].file;

        if (!file->set)
            continue;
        if (access_file_look(file, UPKEEP_BYTES))
            log_info("list_reloaded", "%s: %zu entries", file->path, access_set_count(file->set));
        if (file->refusal.len && !file->reading)
            raise_alarm(q, &lists[i]);
    }
    return STEP_DONE;
}

const struct check_module lists_module = {
    .section = &lists_section,
    .symbols = symbols,
    .run = lists_run,
    .bounds = lists_bounds,
    .open = lists_open,
    .close = lists_close,
    .upkeep = lists_upkeep,
    .upkeep_ms = UPKEEP_MS,
    .covers_exempt = true,
};
