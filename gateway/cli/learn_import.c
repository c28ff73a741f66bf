/* cli/learn_import.c - postern learn import: what another filter has learned.
 *
 * The whole dump is read before anything is added, so that one that is broken changes nothing. Words of bogofilter
 * become tokens at once; SpamAssassin's hashes go into a table, and the words of the mail under --words are tried on
 * it, each once. Then the tokens go into the store, sorted, some at a time, each lot once under its digest: an import
 * that was ended half-way is begun again, and goes on where it was. The messages, and that the dump was imported, are
 * last.
 */
#include "gateway/cli/learn_import.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/cli/letters.h"
#include "gateway/store/bayes.h"
#include "rules/bayes/bayes_import.h"

enum {
    BATCH = 1000,
    TABLE_LEAST = 4096,
    ARENA_MOST = 1 << 26,
    LINES_NAMED = 10,
    WORDS_MOST = 10000000, /* of a dump: 160 to 500 MB of memory */
    LINE_BYTES_MAX = 4096,
    SPAMASSASSIN_VERSION = 3,
    WRONG_SHARE = 100, /* one line of so many may be wrong */
};

struct counted {
    uint64_t token;
    struct store_token_count counts;
};

/* A hash of SpamAssassin's; `taken`: a word of ours was found for it. */
struct hashed {
    uint64_t hash;
    struct store_token_count counts;
    bool is_there, is_taken;
};

struct import {
    struct learning *l;
    struct counted *words;
    size_t count, word_room;
    struct hashed *table;
    size_t room, held, found; /* found: words for hashes */
    uint64_t lines, wrong, unused, version;
    struct store_bayes_totals totals;
    EVP_MD_CTX *md; /* of the dump */
    bool is_full, is_known;
};

/* ---- into the store ---- */

static int by_token(const void *a, const void *b)
{
    const struct counted *x = a, *y = b;

    return (x->token > y->token) - (x->token < y->token);
}

static uint32_t sum(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

/* Each token once, with what all lines have said of it. */
static void sort_words(struct import *im)
{
    size_t kept = 0;

    qsort(im->words, im->count, sizeof *im->words, by_token);
    for (size_t i = 0; i < im->count; i++) {
        const struct counted one = im->words[i];
        struct counted *last = kept ? &im->words[kept - 1] : NULL;

        if (last && last->token == one.token) {
            last->counts.spam = sum(last->counts.spam, one.counts.spam);
            last->counts.ham = sum(last->counts.ham, one.counts.ham);
        } else {
            im->words[kept++] = one;
        }
    }
    im->count = kept;
}

static struct store_op add_op(const struct import *im)
{
    const struct bayes_conf *conf = im->l->conf;
    struct store_op op = { .kind = STORE_BAYES_ADD, .key = im->l->class, .now_ms = clock_wall_ms() };

    op.bayes.is_once = true;
    op.bayes.remember_ms = conf->remember_ms;
    op.bayes.life_ms = conf->life_ms;
    op.bayes.most = conf->tokens_most / STORE_BAYES_BUCKETS;
    return op;
}

static void send_words(struct import *im, const unsigned char *dump, size_t from, size_t count)
{
    uint64_t tokens[BATCH];
    struct store_token_count counts[BATCH];
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct store_op op = add_op(im);
    EVP_MD_CTX *md = EVP_MD_CTX_new();

    for (size_t i = 0; i < count; i++) {
        tokens[i] = im->words[from + i].token;
        counts[i] = im->words[from + i].counts;
    }
    op.bayes.tokens = span_make((const char *)tokens, count * sizeof *tokens);
    op.bayes.counts = span_make((const char *)counts, count * sizeof *counts);
    if (!md || !EVP_DigestInit_ex(md, EVP_sha256(), NULL) || !EVP_DigestUpdate(md, dump, STORE_DIGEST_BYTES) ||
        !EVP_DigestUpdate(md, tokens, op.bayes.tokens.len) || !EVP_DigestUpdate(md, counts, op.bayes.counts.len) ||
        !EVP_DigestFinal_ex(md, digest, NULL))
        BUG("no SHA-256");
    EVP_MD_CTX_free(md);
    memcpy(op.bayes.digest, digest, sizeof op.bayes.digest);
    learn_ask(im->l, &op);
}

static void on_mark(void *arg, const struct store_answer *answer)
{
    struct import *im = arg;

    im->l->open--;
    im->is_known = answer->state == STORE_OK;
    if (answer->state != STORE_OK && answer->state != STORE_ABSENT)
        learn_note_failure(im->l, answer);
}

/* Whether all of the dump was added before. */
static bool is_imported(struct import *im, const struct store_op *last)
{
    char key[STORE_KEY_MAX];
    const struct store_op op = { .kind = STORE_GET,
                                 .key = bayes_message_key(im->l->class, &last->bayes, key),
                                 .now_ms = clock_wall_ms() };

    im->l->open++;
    store_ask(im->l->store, &op, 0, on_mark, im);
    learn_wait(im->l, 0);
    return im->is_known;
}

static bool send_all(struct import *im)
{
    struct store_op last = add_op(im);
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct learning *l = im->l;

    if (!EVP_DigestFinal_ex(im->md, digest, NULL))
        BUG("no SHA-256");
    memcpy(last.bayes.digest, digest, sizeof last.bayes.digest);
    if (is_imported(im, &last)) {
        fprintf(stderr, "postern: this dump has been imported before: nothing was added\n");
        return true;
    }
    sort_words(im);
    progress_start(&l->progress, im->count);
    for (size_t i = 0; i < im->count && !l->why[0] && !learn_is_interrupted(); i += BATCH) {
        send_words(im, digest, i, im->count - i < BATCH ? im->count - i : BATCH);
        l->progress.done = i;
        progress_show(&l->progress, i, "tokens", false);
    }
    learn_wait(l, 0);
    if (!l->why[0] && !learn_is_interrupted()) {
        last.bayes.totals = im->totals;
        learn_ask(l, &last);
        learn_wait(l, 0);
    }
    progress_show(&l->progress, im->count, "tokens", true);
    if (l->why[0])
        fprintf(stderr, "postern: a part of the dump may have been added: import it again, and the rest will be\n");
    return !l->why[0] && !learn_is_interrupted();
}

static void add(struct import *im, uint64_t token, struct store_token_count counts)
{
    if (!counts.spam && !counts.ham)
        return;
    if (im->count == WORDS_MOST) {
        im->is_full = true;
        return;
    }
    if (im->count == im->word_room) {
        im->word_room = im->word_room ? 2 * im->word_room : TABLE_LEAST;
        im->words = mem_grow(im->words, im->word_room * sizeof *im->words);
    }
    im->words[im->count++] = (struct counted){ token, counts };
}

/* ---- SpamAssassin's hashes ---- */

static struct hashed *place_of(const struct import *im, uint64_t hash)
{
    size_t at = (hash * 0x9e3779b97f4a7c15ULL >> 20) & (im->room - 1);

    while (im->table[at].is_there && im->table[at].hash != hash)
        at = (at + 1) & (im->room - 1);
    return &im->table[at];
}

static void grow(struct import *im)
{
    struct hashed *old = im->table;
    size_t room = im->room;

    im->room = room ? 2 * room : TABLE_LEAST;
    im->table = mem_alloc(im->room * sizeof *im->table);
    for (size_t i = 0; i < room; i++)
        if (old[i].is_there)
            *place_of(im, old[i].hash) = old[i];
    free(old);
}

static void hold(struct import *im, const struct bayes_import_line *line)
{
    if (im->held >= WORDS_MOST) {
        im->is_full = true;
        return;
    }
    if (2 * im->held >= im->room)
        grow(im);
    struct hashed *place = place_of(im, line->hash);

    im->held += !place->is_there;
    *place = (struct hashed){ .hash = line->hash, .counts = line->counts, .is_there = true };
}

static bool try_words(void *arg, struct span bytes)
{
    struct import *im = arg;
    struct message *m = message_new(bytes, &message_limits_most);
    struct arena a;

    arena_init(&a, ARENA_MOST);
    const struct tokens *t = tokens_of(&a, m);

    for (size_t i = 0; i < t->count; i++) {
        uint64_t hash = 0;
        struct hashed *place = bayes_import_hash(&t->items[i], &hash) ? place_of(im, hash) : NULL;

        if (!place || !place->is_there || place->is_taken)
            continue;
        place->is_taken = true;
        im->found++;
        add(im, t->items[i].hash, place->counts);
    }
    arena_release(&a);
    message_free(m);
    im->l->messages++;
    progress_show(&im->l->progress, im->l->messages, "messages", false);
    return !im->l->why[0] && !learn_is_interrupted();
}

static bool find_words(struct import *im)
{
    if (!im->l->word_paths[0]) {
        fprintf(stderr, "postern: the dump is SpamAssassin's, who keeps digests of words: name mail whose words may be "
                        "among them with --words, the more the better\n");
        return false;
    }
    progress_start(&im->l->progress, 0);
    bool is_good = letters_read(im->l->word_paths, try_words, NULL, im);

    progress_show(&im->l->progress, im->l->messages, "messages", true);
    return is_good;
}

/* ---- the dump ---- */

static void take_line(struct import *im, struct span text)
{
    struct bayes_import_line line;

    im->lines++;
    if (!EVP_DigestUpdate(im->md, text.ptr, text.len))
        BUG("no SHA-256");
    bayes_import_read(text, &line);
    switch (line.kind) {
    case BAYES_IMPORT_NONE: im->unused++; return;
    case BAYES_IMPORT_WRONG:
        if (++im->wrong <= LINES_NAMED)
            fprintf(stderr, "postern: line %" PRIu64 " is neither bogoutil's nor sa-learn's\n", im->lines);
        return;
    case BAYES_IMPORT_VERSION: im->version = line.count; return;
    case BAYES_IMPORT_SPAM: im->totals.spam = (double)line.count; return;
    case BAYES_IMPORT_HAM: im->totals.ham = (double)line.count; return;
    case BAYES_IMPORT_BOTH: im->totals = (struct store_bayes_totals){ line.counts.spam, line.counts.ham }; return;
    case BAYES_IMPORT_WORD: add(im, token_hash(line.token, line.word), line.counts); return;
    case BAYES_IMPORT_HASHED: hold(im, &line); return;
    }
}

/* What is longer than any line of theirs is wrong, and is not kept. */
static void read_lines(struct import *im, FILE *file)
{
    char text[LINE_BYTES_MAX];
    bool is_rest = false;

    while (fgets(text, sizeof text, file)) {
        size_t len = strlen(text);
        bool is_whole = len && text[len - 1] == '\n';

        if (!is_rest)
            take_line(im, is_whole || feof(file) ? span_make(text, len) : SPAN("too long"));
        is_rest = !is_whole;
    }
}

static bool read_dump(struct import *im, const char *name)
{
    bool is_stdin = strcmp(name, "-") == 0, is_good;
    FILE *file = is_stdin ? stdin : fopen(name, "re");

    if (!file) {
        fprintf(stderr, "postern: cannot read %s: %s\n", name, strerror(errno));
        return false;
    }
    read_lines(im, file);
    is_good = !ferror(file);
    if (!is_good)
        fprintf(stderr, "postern: cannot read %s: %s\n", name, strerror(errno));
    if (!is_stdin)
        fclose(file);
    return is_good;
}

/* NULL, or why nothing of the dump is to be added. */
static const char *wrong_dump(const struct import *im)
{
    if (im->version && im->version != SPAMASSASSIN_VERSION)
        return "the dump is of a version of SpamAssassin's database other than 3: `sa-learn --sync` of a newer "
               "SpamAssassin upgrades it";
    if (im->wrong * WRONG_SHARE > im->lines)
        return "too much of it is wrong; write it anew, with `bogoutil -d` or `sa-learn --backup`";
    if (!(im->totals.spam > 0) || !(im->totals.ham > 0))
        return "it does not say how many messages of spam and of ham were learned (.MSG_COUNT, num_spam and "
               "num_nonspam), without which its words say nothing; write it anew";
    return im->is_full ? "it has more than ten million words" : NULL;
}

static bool import(struct import *im)
{
    const char *wrong;

    if (!read_dump(im, im->l->paths[0]))
        return false;
    wrong = wrong_dump(im);
    if (wrong) {
        fprintf(stderr, "postern: nothing was added: %s\n", wrong);
        return false;
    }
    if ((im->held && !find_words(im)) || learn_is_interrupted())
        return false;
    return send_all(im);
}

static void print_import(const struct import *im, bool is_added)
{
    if (im->l->is_json) {
        const struct learn_number numbers[] = {
            { "lines", (double)im->lines },   { "added", is_added ? (double)im->count : 0 },
            { "spam", im->totals.spam },      { "ham", im->totals.ham },
            { "digests", (double)im->held },  { "found", (double)im->found },
            { "unused", (double)im->unused }, { "wrong", (double)im->wrong },
        };

        learn_print(numbers, COUNT(numbers));
        return;
    }
    printf("%" PRIu64 " lines: %zu tokens added, of %.0f messages of spam and %.0f of ham", im->lines,
           is_added ? im->count : 0, im->totals.spam, im->totals.ham);
    if (im->held)
        printf("; %zu digests, %zu of them without a word", im->held, im->held - im->found);
    printf("; %" PRIu64 " lines of no use here, %" PRIu64 " wrong\n", im->unused, im->wrong);
}

bool learn_import(struct learning *l)
{
    struct import *im = mem_alloc(sizeof *im);

    im->l = l;
    im->md = EVP_MD_CTX_new();
    if (!im->md || !EVP_DigestInit_ex(im->md, EVP_sha256(), NULL))
        BUG("no SHA-256");
    bool is_good = import(im);

    print_import(im, is_good && !im->is_known);
    is_good = is_good && !im->wrong;
    EVP_MD_CTX_free(im->md);
    free(im->words);
    free(im->table);
    free(im);
    return is_good;
}
