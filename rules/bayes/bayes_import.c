/* rules/bayes/bayes_import.c - what other programs have learned, line by line.
 *
 * bogofilter keeps words as they stood in the mail: those of bodies, subjects, senders and recipients are ours, too,
 * but for capitals. SpamAssassin keeps 40 bits of a SHA-1 of each: who has some mail can try its words. Of a body's
 * word it knows the one in small letters, of the subject's words those as written, of links "UD:" and their domains.
 */
#include "rules/bayes/bayes_import.h"

#include <openssl/evp.h>

#include "gateway/base/bug.h"

enum { HASH_BYTES = 5, HASH_DIGITS = 2 * HASH_BYTES, WORD_MOST = 60 };

static bool is_hex(struct span s, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = ascii_lower(s.ptr[i]);
        int digit = ascii_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

        if (digit < 0)
            return false;
        *out = *out << 4 | (unsigned)digit;
    }
    return s.len == HASH_DIGITS;
}

static bool counts_of(struct span spam, struct span ham, struct store_token_count *out)
{
    uint64_t s = 0, h = 0;

    if (span_u64(spam, UINT32_MAX, &s) || span_u64(ham, UINT32_MAX, &h))
        return false;
    *out = (struct store_token_count){ (uint32_t)s, (uint32_t)h };
    return true;
}

/* ---- SpamAssassin: fields between tabs ---- */

static bool read_spamassassin(struct span line, struct bayes_import_line *out)
{
    struct span field[5] = { { 0 } };
    size_t count = 0;

    while (count < COUNT(field) && span_cut(&line, '\t', &field[count]))
        count++;
    if (span_is(field[0], "v") && count >= 3) {
        bool is_spam = span_is(field[2], "num_spam"), is_ham = span_is(field[2], "num_nonspam");

        bool is_version = span_starts(field[2], SPAN("db_version"));

        out->kind = is_spam      ? BAYES_IMPORT_SPAM
                    : is_ham     ? BAYES_IMPORT_HAM
                    : is_version ? BAYES_IMPORT_VERSION
                                 : BAYES_IMPORT_NONE;
        return out->kind == BAYES_IMPORT_NONE || !span_u64(field[1], UINT32_MAX, &out->count);
    }
    if (span_is(field[0], "s") && count == 3)
        return true; /* which messages were learned: by digests that are not ours */
    out->kind = BAYES_IMPORT_HASHED;
    return span_is(field[0], "t") && count == 5 && counts_of(field[1], field[2], &out->counts) &&
           is_hex(field[4], &out->hash);
}

/* ---- bogofilter: token, spam, ham, date ---- */

static const struct {
    const char *prefix;
    enum token_kind token; /* TOKEN_KIND_COUNT: not ours */
} prefixes[] = {
    { "subj:", TOKEN_SUBJECT },    { "from:", TOKEN_FROM },       { "to:", TOKEN_TO },
    { "rtrn:", TOKEN_KIND_COUNT }, { "rcvd:", TOKEN_KIND_COUNT }, { "head:", TOKEN_KIND_COUNT },
    { "url:", TOKEN_KIND_COUNT },  { "mime:", TOKEN_KIND_COUNT },
};

static bool read_bogofilter(struct span line, struct bayes_import_line *out)
{
    struct span word, spam, ham, date, more;

    if (!span_word(&line, &word) || !span_word(&line, &spam) || !span_word(&line, &ham) ||
        !counts_of(spam, ham, &out->counts) || (span_word(&line, &date) && span_word(&line, &more)))
        return false;
    out->word = word;
    out->token = TOKEN_WORD;
    out->kind = span_is(word, ".MSG_COUNT") ? BAYES_IMPORT_BOTH : BAYES_IMPORT_WORD;
    for (size_t i = 0; i < COUNT(prefixes); i++) {
        if (!span_starts(word, span_of(prefixes[i].prefix)))
            continue;
        out->word = span_skip(word, strlen(prefixes[i].prefix));
        out->token = prefixes[i].token;
    }
    if (out->kind == BAYES_IMPORT_WORD &&
        (word.ptr[0] == '.' || out->token == TOKEN_KIND_COUNT || !out->word.len || out->word.len > WORD_MOST))
        out->kind = BAYES_IMPORT_NONE;
    return true;
}

void bayes_import_read(struct span line, struct bayes_import_line *out)
{
    bool is_good;

    *out = (struct bayes_import_line){ .kind = BAYES_IMPORT_NONE };
    while (line.len && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == '\n'))
        line.len--;
    if (!line.len)
        return;
    if (line.len > 2 && line.ptr[1] == '\t' && strchr("vst", line.ptr[0]))
        is_good = read_spamassassin(line, out);
    else
        is_good = read_bogofilter(line, out);
    if (!is_good)
        *out = (struct bayes_import_line){ .kind = BAYES_IMPORT_WRONG };
}

bool bayes_import_hash(const struct token *token, uint64_t *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    char text[WORD_MOST + 16];
    const char *prefix = token->kind == TOKEN_WORD                                  ? ""
                         : token->kind == TOKEN_SUBJECT                             ? "HSubject:"
                         : token->kind == TOKEN_HOST || token->kind == TOKEN_DOMAIN ? "UD:"
                                                                                    : NULL;

    if (!prefix || !token->text.len || token->text.len > WORD_MOST)
        return false;
    size_t at = strlen(prefix);

    memcpy(text, prefix, at);
    for (size_t i = 0; i < token->text.len; i++)
        text[at++] = token->kind == TOKEN_SUBJECT ? token->text.ptr[i] : ascii_lower(token->text.ptr[i]);
    if (!EVP_Digest(text, at, digest, &len, EVP_sha1(), NULL) || len < HASH_BYTES)
        BUG("no SHA-1");
    *out = 0;
    for (unsigned i = len - HASH_BYTES; i < len; i++)
        *out = *out << 8 | digest[i];
    return true;
}
