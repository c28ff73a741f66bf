/* rules/lists.c - allow and block lists by configuration.
 *
 * Lists are tried in the order of the configuration. Each that matches adds its symbol with its points; the first that
 * accepts, rejects, defers or discards decides. Two things are not done unless asked for:
 *   - mail that is only for postmaster or abuse is not refused: somebody who is on a block list by mistake must be
 *     able to say so [RFC5321 4.5.1] [RFC2142 4];
 *   - an allow list by sender does not count unless SPF passed: the sender is what every forger writes.
 *
 * Threads: the loop's; upkeep() changes what run() reads. Memory: sets are the module's, from open() to close().
 */
#include "rules/lists.h"

#include "gateway/base/log.h"
#include "rules/lists_conf.h"

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

static bool hits_client(const struct list *list, const struct inquiry *q, struct hit *hit)
{
    const struct addr *client = &q->session->client;

    hit->what = span_of(addr_text(client, arena_alloc(q->arena, ADDR_TEXT_MAX)));
    hit->is_of_file = list->file.set && access_set_has_addr(list->file.set, client, &hit->entry);
    return hit->is_of_file || (list->set && access_set_has_addr(list->set, client, &hit->entry));
}

/* What would be lost for good, or let in, for recipients who are not listed, wants all of them listed. */
static bool hits_recipients(const struct list *list, const struct session *s, struct hit *hit)
{
    bool wants_all = list->action == LIST_ACCEPT || list->action == LIST_DISCARD;
    size_t hits = 0;

    for (size_t i = 0; i < s->recipient_count; i++) {
        const struct address *to = &s->recipients[i].address;
        struct hit one = { 0 };

        if (list->match == LIST_RECIPIENT ? hits_address(list, to, &one) : hits_name(list, to->domain, &one)) {
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
    case LIST_CLIENT_NAME:
        return q->evidence->iprev.result == AUTH_PASS && hits_name(list, span_of(q->evidence->iprev.name), hit);
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
static const char *exception(const struct list *list, const struct inquiry *q)
{
    bool is_by_sender = list->match == LIST_SENDER || list->match == LIST_SENDER_DOMAIN;

    if (!is_allowing(list))
        return q->is_exempt && !list->covers_roles ? "not counted, for the recipients are exempt (roles = no)" : NULL;
    if (is_by_sender && list->needs_spf && session_direction(q->session) == DIRECTION_INBOUND &&
        q->evidence->spf_mailfrom.result != AUTH_PASS)
        return "not counted, for SPF did not pass (requires_spf = yes)";
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

static enum step lists_run(struct inquiry *q)
{
    const struct lists_conf *conf = q->conf;
    const struct list *lists = conf->lists.items;
    bool is_decided = false;

    for (size_t i = 0; i < conf->lists.count; i++) {
        const struct list *list = &lists[i];
        struct hit hit;

        if (!hits(list, q, &hit))
            continue;
        const char *why_not = exception(list, q);

        finding_name(q, list->symbol, why_not ? 0 : list->points, "%.*s is in list \"%s\" as %s (%s)%s%s",
                     SPAN_ARG(span_first(hit.what, 100)), list->title, hit.entry.text, place_of(q, list, &hit),
                     why_not ? ", " : "", why_not ? why_not : "");
        if (why_not || list->action == LIST_SCORE || is_decided)
            continue;
        force(q, list);
        is_decided = true;
    }
    return STEP_DONE;
}

static void lists_bounds(const void *values, const int *points, struct bounds *out)
{
    const struct lists_conf *conf = values;
    const struct list *lists = conf->lists.items;

    (void)points;
    for (size_t i = 0; i < conf->lists.count; i++) {
        *(lists[i].points < 0 ? &out->least : &out->most) += lists[i].points;
        out->may_force_accept |= lists[i].action == LIST_ACCEPT;
        out->may_force_reject |= lists[i].action != LIST_ACCEPT && lists[i].action != LIST_SCORE;
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
        if (!lists[i].path[0] || access_file_open(&lists[i].file, lists[i].path, list_kind(&lists[i])))
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
