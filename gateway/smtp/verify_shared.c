/* smtp/verify_shared.c - "1763900000000 550 5.1.1 No such user": until when, the code, what was said with it. */
#include "gateway/smtp/verify_shared.h"

#include <inttypes.h>

#include "gateway/smtp/verify_cache.h"
#include "gateway/store/op.h"

enum { KEY_MOST = 16384, CODE_MOST = 599 };

struct span verify_record_key(struct arena *a, const char *hop, bool is_local, const char *hostname,
                              const struct address *recipient)
{
    struct strbuf key;

    strbuf_init(&key, KEY_MOST);
    strbuf_puts(&key, "v:");
    if (is_local)
        strbuf_putf(&key, "%s!", hostname);
    verify_cache_key(&key, hop, recipient);
    struct span kept = store_key(a, strbuf_span(&key));

    strbuf_release(&key);
    return kept;
}

void verify_record_write(struct strbuf *out, const struct verify_record *record)
{
    strbuf_putf(out, "%" PRId64 " %u ", record->until_ms, record->code);
    if (record->code / 100 != 2)
        strbuf_put(out, span_first(record->text, VERIFY_TEXT_MAX));
}

enum fault verify_record_read(struct span value, struct verify_record *out)
{
    uint64_t until_ms, code;
    struct span word;

    if (!span_cut(&value, ' ', &word) || span_u64(word, INT64_MAX, &until_ms))
        return FAULT_SYNTAX;
    if (!span_cut(&value, ' ', &word) || span_u64(word, CODE_MOST, &code))
        return FAULT_SYNTAX;
    if (value.len > VERIFY_TEXT_MAX || !verify_is_of_mailbox((unsigned)code, value))
        return FAULT_RANGE;
    *out = (struct verify_record){ (int64_t)until_ms, (unsigned)code, value };
    return FAULT_NONE;
}
