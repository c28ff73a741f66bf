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

#include <stdio.h>

#include "gateway/mail/crypto.h"

enum { DIGEST_KEPT = 16, DELAY_MS = 60 * 1000, WINDOW_MS = 5 * 86400 * 1000, LIFE_MS = 86400 * 1000 };

static struct span key_of(struct inquiry *q, const char *domain)
{
    const struct session *s = q->session;
    unsigned char hash[HASH_BYTES_MAX];
    char hex[2 * DIGEST_KEPT + 1];
    struct crypto *crypto = crypto_here();

    crypto_hash_start(crypto, HASH_SHA256);
    crypto_hash_put(crypto, s->mail_from.text);
    crypto_hash_put(crypto, span_make("", 1)); /* a NUL, so that nothing can move from one to the other */
    crypto_hash_put(crypto, s->recipient_count ? s->recipients[0].address.text : SPAN(""));
    crypto_hash_end(crypto, hash);
    for (size_t i = 0; i < DIGEST_KEPT; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    return store_key(q->arena, span_of(arena_printf(q->arena, "g:dmarc:{%s}/%s", domain, hex)));
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
