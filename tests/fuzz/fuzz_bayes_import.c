/* tests/fuzz/fuzz_bayes_import.c - lines of other filters' dumps: a word lies in its line and is some kind of ours, a
 * digest has 40 bits.
 */
#include "gateway/base/bug.h"
#include "rules/bayes/bayes_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_make((const char *)data, size), text;

    while (span_cut(&rest, '\n', &text)) {
        struct bayes_import_line line;
        uint64_t hash = 0;

        bayes_import_read(text, &line);
        if (line.kind == BAYES_IMPORT_HASHED && line.hash >> 40)
            BUG("a digest of more than 40 bits");
        if (line.kind != BAYES_IMPORT_WORD)
            continue;
        if (!line.word.len || line.word.ptr < text.ptr || line.word.ptr + line.word.len > text.ptr + text.len ||
            line.token >= TOKEN_KIND_COUNT)
            BUG("a word that is none");
        struct token token = { token_hash(line.token, line.word), line.token, line.word };

        if (bayes_import_hash(&token, &hash) && hash >> 40)
            BUG("a digest of more than 40 bits");
    }
    return 0;
}
