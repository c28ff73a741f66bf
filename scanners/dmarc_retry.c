/* scanners/dmarc_retry.c - has mail that DMARC could not judge been put off already?
 *
 * Names that do not answer mostly do some minutes later. Those that do not for days must not send honest mail back to
 * its sender: so mail is put off once, and comes in when it comes again. It is known by its sender, its first recipient
 * and the domain whose policy could not be held; not by its client, for a sender may have many servers. Addresses are
 * kept as a digest.
 *
 * Threads: the loop's. Memory: the inquiry's arena.
 */
#include "scanners/dmarc_retry.h"

#include "gateway/mail/crypto.h"

enum { DELAY_MS = 60 * 1000, WINDOW_MS = 5 * 86400 * 1000, LIFE_MS = 86400 * 1000 };

static struct span key_of(struct inquiry *q, const char *domain)
{
    const struct session *s = q->session;
    struct span to = s->recipient_count ? s->recipients[0].address.text : SPAN("");
    struct span digest = crypto_digest_two(q->arena, s->mail_from.text, to);

    return store_key(q->arena, span_of(arena_printf(q->arena, "g:dmarc:{%s}/%.*s", domain, SPAN_ARG(digest))));
}

enum step dmarc_retry(struct inquiry *q, const char *domain, bool *has_waited)
{
    const struct store_op op = {
        .kind = STORE_GREYLIST,
        .key = key_of(q, domain),
        .now_ms = q->now_ms,
        .greylist = { .client = { "", 0 }, .delay_ms = DELAY_MS, .window_ms = WINDOW_MS, .life_ms = LIFE_MS }
    };
    const struct store_answer *answer = ask_store(q, &op);

    if (!answer)
        return STEP_WAIT;
    *has_waited = answer->state == STORE_OK && answer->greylist.state >= GREYLIST_PASSED;
    return STEP_DONE;
}
