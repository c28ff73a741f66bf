/* tests/fuzz/fuzz_spf.c - the check "spf" in a world made of the input.
 *
 * The first line is "IP HELO SENDER"; the others are TXT records. A question for TXT gets records picked by a hash of
 * its name, other questions get answers made of that hash: so included records, hosts and errors come by themselves.
 * Each input is evaluated twice, with all answers of a round at once and with one at a time: the verdicts must be the
 * same, the counts within their limits, and what is said printable.
 */
#include "gateway/base/bug.h"
#include "scanners/spf.h"
#include "tests/kit/desk.h"

enum { LINES_MOST = 16, ROUNDS_MOST = 400 };

struct world {
    struct span line[LINES_MOST];
    size_t count;
    struct addr client;
};

static uint32_t hash_of(const char *name, enum dns_type type)
{
    uint32_t h = 2166136261u ^ (uint32_t)type;

    for (; *name; name++)
        h = (h ^ (uint8_t)ascii_lower(*name)) * 16777619u;
    return h ^ h >> 15;
}

static void make_txt(const struct world *w, uint32_t h, struct dns_answer *out, struct dns_record *records)
{
    if (w->count == 0 || h % 16 == 0) {
        out->state = h % 32 ? DNS_NXDOMAIN : DNS_TIMEOUT;
        return;
    }
    out->count = h % 16 == 1 ? 2 : 1;
    for (uint32_t i = 0; i < out->count; i++)
        records[i].data = w->line[(h / 16 + i) % w->count];
}

static void make_names(struct arena *a, const char *name, uint32_t h, struct dns_answer *out,
                       struct dns_record *records)
{
    out->count = h % 13;
    out->state = out->count ? DNS_OK : DNS_NODATA;
    for (uint32_t i = 0; i < out->count; i++) {
        char *host = arena_printf(a, i % 3 == 2 ? "h%u\\058.%s" : "h%u.%.200s", i, i % 2 ? name : "example.org");

        records[i].preference = i;
        records[i].name = i == 5 ? SPAN("") : span_of(host);
    }
}

static void make_answer(struct arena *a, const struct world *w, const struct answer_entry *e, struct dns_answer *out,
                        struct dns_record *records)
{
    uint32_t h = hash_of(e->name, e->type);

    *out = (struct dns_answer){ .name = e->name, .type = e->type, .records = records };
    if (e->type == DNS_TXT) {
        make_txt(w, h, out, records);
    } else if (e->type == DNS_MX || e->type == DNS_PTR) {
        make_names(a, e->name, h, out, records);
    } else if (h % 4 == 0) {
        out->state = h % 32 ? DNS_NXDOMAIN : DNS_FAILED;
    } else {
        out->count = 1;
        records[0].ip = w->client;
        records[0].ip.bytes[3] ^= h % 8 ? 1 : 0;
    }
}

static void answer(struct desk *d, const struct world *w, bool all)
{
    for (struct answer_entry *e = d->book.first; e; e = e->next) {
        struct dns_record records[16] = { { .preference = 0 } };
        struct dns_answer made;

        if (e->answer)
            continue;
        make_answer(&d->arena, w, e, &made, records);
        answers_put(&d->book, e->name, e->type, &made);
        if (!all)
            return;
    }
}

static void *initial_conf(void)
{
    static struct conf *conf; /* once for all inputs */
    static void *values;
    struct strbuf faults;

    strbuf_init(&faults, 4096);
    if (!conf)
        conf = conf_load_text(spf_module.section, "fuzz", SPAN(""), &values, &faults);
    if (!conf)
        BUG("%s", faults.data);
    strbuf_release(&faults);
    return values;
}

static void expect_printable(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            BUG("a byte %d in what is said", *text);
}

static struct desk *judge(const struct world *w, struct span helo, struct span from, bool all)
{
    struct desk *d = desk_open_bare(&spf_module, initial_conf());
    unsigned rounds = 0;

    d->session.client = w->client;
    desk_helo(d, arena_dup(&d->arena, helo));
    desk_from(d, arena_dup(&d->arena, from));
    while (desk_run(d) == STEP_WAIT) {
        if (++rounds > ROUNDS_MOST || !d->book.awaited)
            BUG("it does not come to an end");
        answer(d, w, all);
    }
    if (d->evidence.spf_mailfrom.lookups > 11 || d->evidence.spf_mailfrom.void_lookups > 3)
        BUG("limits are not kept");
    expect_printable(d->evidence.spf_mailfrom.explanation);
    expect_printable(d->evidence.spf_mailfrom.reason);
    expect_printable(d->evidence.spf_helo.reason ? d->evidence.spf_helo.reason : "");
    return d;
}

static void compare(const struct spf_evidence *a, const struct spf_evidence *b)
{
    if (a->result != b->result || a->lookups != b->lookups || a->void_lookups != b->void_lookups)
        BUG("asking ahead changes %d (%s) into %d (%s)", (int)a->result, a->reason, (int)b->result, b->reason);
    if (a->result != AUTH_ABSENT && strcmp(a->explanation, b->explanation) != 0)
        BUG("asking ahead changes \"%s\" into \"%s\"", a->explanation, b->explanation);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_make((const char *)data, size), first = { 0 }, line, ip, helo = SPAN("");
    struct world w = { .count = 0 };

    span_cut(&rest, '\n', &first);
    if (!span_word(&first, &ip) || addr_parse(ip, &w.client))
        addr_parse(SPAN("192.0.2.1"), &w.client);
    span_word(&first, &helo);
    while (w.count < LINES_MOST && span_cut(&rest, '\n', &line))
        w.line[w.count++] = line;
    struct desk *fast = judge(&w, helo, span_trim(first), true), *slow = judge(&w, helo, span_trim(first), false);

    compare(&fast->evidence.spf_mailfrom, &slow->evidence.spf_mailfrom);
    compare(&fast->evidence.spf_helo, &slow->evidence.spf_helo);
    desk_close(fast);
    desk_close(slow);
    return 0;
}
