/* tests/fuzz/fuzz_arc.c - ARC sets: the check "arc" on any message, keys answered by one good one.
 *
 * The first byte says what the DNS does: 'k' has the key for all names, 't' times out, anything else has nothing.
 * A chain that passes must be whole, and its sealer may be trusted only when the chain passes.
 */
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/core/run.h"
#include "gateway/mail/arcset.h"
#include "scanners/arc.h"
#include "tests/kit/desk.h"
#include "tests/kit/signer.h"

static struct signer *signer;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_chain(struct desk *d)
{
    const struct arc_evidence *arc = &d->evidence.arc;
    struct arc_chain chain;

    arc_chain_read(&d->arena, &d->message->header, &chain);
    if (chain.count > ARC_SETS_MAX || arc->sealer_count > ARC_SETS_MAX)
        BUG("%zu sets", chain.count);
    if (arc->result == AUTH_ABSENT)
        BUG("no result");
    if (arc->result == AUTH_PASS && (chain.problem || !chain.count || chain.has_failed))
        BUG("a chain passes that cannot");
    if (*arc->trusted_sealer && arc->result != AUTH_PASS)
        BUG("a sealer is trusted although the chain is %s", auth_text(arc->result));
    for (size_t i = 0; i < d->message->header.count; i++)
        arc_results_say(&d->arena, d->message->header.fields[i].body, "dmarc", "pass");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!signer)
        signer = signer_new(0);
    if (!size)
        return 0;
    struct desk *d = desk_open(&arc_module, "trusted_sealers = {\"d1.example\", \"d2.example\"}");

    desk_dns_else(d, data[0] == 'k' ? signer_record(signer) : data[0] == 't' ? "TIMEOUT" : "NXDOMAIN");
    d->run.most_asks = 200;
    desk_message_bytes(d, span_make((const char *)data + 1, size - 1));
    desk_settle(d);
    check_chain(d);
    desk_close(d);
    return 0;
}
