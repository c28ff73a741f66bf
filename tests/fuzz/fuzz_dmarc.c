/* tests/fuzz/fuzz_dmarc.c - DMARC records, From fields, and what comes of them.
 *
 * The input is the message's header section up to an empty line, then a line for each TXT record that is asked for; an
 * empty line is no record, "!" no answer. The message is signed by evil.com. It must then not pass for anybody but
 * evil.com, whatever its From field and the records say; except where a record speaks of psd, and may make com one
 * organization.
 */
#include "gateway/base/bug.h"
#include "gateway/core/run.h"
#include "gateway/mail/address.h"
#include "gateway/mail/domain.h"
#include "scanners/dmarc.h"
#include "scanners/dmarc_record.h"
#include "tests/kit/desk.h"

static void answer_store(struct desk *d, const struct store_op *op)
{
    struct store_answer answer;

    desk_do(d, op, &answer);
    answers_put_op(&d->book, op, &answer);
}

static void answer(struct desk *d, struct span *records)
{
    for (struct answer_entry *e = d->book.first; e; e = e->next) {
        struct dns_record record = { 0 };
        struct dns_answer a = { .name = e->name, .type = e->type, .state = DNS_NXDOMAIN, .records = &record };
        struct span line;

        if (e->op && !e->stored)
            answer_store(d, e->op);
        if (e->op || e->answer)
            continue;
        if (span_cut(records, '\n', &line) && line.len) {
            record.data = line;
            a.state = span_is(line, "!") ? DNS_TIMEOUT : DNS_OK;
            a.count = a.state == DNS_OK;
        }
        answers_put(&d->book, e->name, e->type, &a);
    }
}

static void check_passed(const struct desk *d, struct arena *arena)
{
    const struct header_field *from = header_find(&d->message->header, "From", 0);
    struct mailbox_list list;
    char normal[DOMAIN_MAX];

    if (!from || !d->evidence.dmarc.policy[0])
        BUG("a pass without author or policy");
    address_mailboxes(arena, from->body, &list);
    for (size_t i = 0; i < list.count; i++)
        if (domain_normal(list.items[i].address.domain, normal) || !domain_is_under(normal, "evil.com"))
            BUG("evil.com passes for %.*s", SPAN_ARG(list.items[i].address.domain));
}

static void check_record(struct span text)
{
    struct dmarc_record r;

    if (dmarc_record_parse(text, &r) && r.is_unusable && !r.has_bad_policy)
        BUG("an unusable record without fault");
}

static void *values_of(const char *text, struct conf **conf)
{
    void *values = NULL;
    struct strbuf faults;

    strbuf_init(&faults, 4096);
    *conf = conf_load_text(dmarc_module.section, "fuzz", span_of(text), &values, &faults);
    if (!*conf)
        BUG("%s", faults.data);
    strbuf_release(&faults);
    return values;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct conf *confs[2];
    static void *values[2];
    struct span input = span_make((const char *)data, size);
    size_t header = span_search(input, SPAN("\n\n"));
    struct span records = header == SPAN_NPOS ? span_make("", 0) : span_skip(input, header + 2);
    struct dkim_evidence dkim = { .result = AUTH_PASS, .domain = "evil.com" };

    if (!confs[0]) {
        values[0] = values_of("", &confs[0]);
        values[1] = values_of("discovery = \"psl\"", &confs[1]);
    }
    check_record(input);
    struct desk *d = desk_open_bare(&dmarc_module, values[size % 2]);

    desk_message_bytes(d, header == SPAN_NPOS ? input : span_first(input, header + 1));
    d->evidence.dkim = &dkim;
    d->evidence.dkim_count = 1;
    d->evidence.spf_mailfrom = (struct spf_evidence){ .result = AUTH_PASS, .domain = "bounce.evil.com" };
    for (unsigned rounds = 0; desk_run(d) == STEP_WAIT; rounds++) {
        if (rounds > 10)
            BUG("the check goes on asking");
        answer(d, &records);
    }
    if (d->evidence.dmarc.result == AUTH_PASS && span_isearch(input, SPAN("psd")) == SPAN_NPOS)
        check_passed(d, &d->arena);
    desk_close(d);
    return 0;
}
