/* cli/learn_import.c - postern learn import: what another filter has learned.
 *
 * Words of bogofilter become tokens at once. SpamAssassin's hashes go into a table first; then the words of the mail
 * under --words are tried on it, each once.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/cli/learn.h"
#include "gateway/cli/letters.h"
#include "rules/bayes_import.h"

enum { BATCH = 1000, TABLE_LEAST = 4096, ARENA_MOST = 1 << 26, LINES_NAMED = 10, HASHED_MOST = 50000000 };

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
    struct counted batch[BATCH];
    size_t count;
    struct hashed *table;
    size_t room, held;
    uint64_t lines, wrong, words, unused;
    struct store_bayes_totals totals;
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

static void send_batch(struct import *im, const struct store_bayes_totals *totals)
{
    uint64_t tokens[BATCH];
    struct store_token_count counts[BATCH];
    size_t count = 0;
    struct store_op op = { .kind = STORE_BAYES_ADD, .key = im->l->class, .now_ms = clock_wall_ms() };

    qsort(im->batch, im->count, sizeof *im->batch, by_token);
    for (size_t i = 0; i < im->count; i++) {
        const struct counted *one = &im->batch[i];

        if (!count || tokens[count - 1] != one->token) {
            tokens[count] = one->token;
            counts[count++] = one->counts;
            continue;
        }
        counts[count - 1].spam = sum(counts[count - 1].spam, one->counts.spam);
        counts[count - 1].ham = sum(counts[count - 1].ham, one->counts.ham);
    }
    op.bayes.tokens = span_make((const char *)tokens, count * sizeof *tokens);
    op.bayes.counts = span_make((const char *)counts, count * sizeof *counts);
    op.bayes.life_ms = im->l->conf->life_ms;
    op.bayes.most = im->l->conf->tokens_most / STORE_BAYES_BUCKETS;
    if (totals)
        op.bayes.totals = *totals;
    learn_ask(im->l, &op);
    im->count = 0;
}

static void add(struct import *im, uint64_t token, struct store_token_count counts)
{
    if (!counts.spam && !counts.ham)
        return;
    im->words++;
    im->batch[im->count++] = (struct counted){ token, counts };
    if (im->count == BATCH)
        send_batch(im, NULL);
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
    if (im->held >= HASHED_MOST)
        return;
    if (2 * im->held >= im->room)
        grow(im);
    struct hashed *place = place_of(im, line->hash);

    im->held += !place->is_there;
    *place = (struct hashed){ .hash = line->hash, .counts = line->counts, .is_there = true };
}

static bool try_words(void *arg, struct span bytes)
{
    struct import *im = arg;
    const struct message_limits limits = { 262144, 1000 };
    struct message *m = message_new(bytes, &limits);
    struct arena a;

    arena_init(&a, ARENA_MOST);
    const struct tokens *t = tokens_of(&a, m);

    for (size_t i = 0; i < t->count; i++) {
        uint64_t hash = 0;
        struct hashed *place = bayes_import_hash(&t->items[i], &hash) ? place_of(im, hash) : NULL;

        if (!place || !place->is_there || place->is_taken)
            continue;
        place->is_taken = true;
        add(im, t->items[i].hash, place->counts);
    }
    arena_release(&a);
    message_free(m);
    im->l->messages++;
    progress_show(&im->l->progress, im->l->messages, "messages", false);
    return !im->l->why[0];
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
    bayes_import_read(text, &line);
    switch (line.kind) {
    case BAYES_IMPORT_NONE: im->unused++; return;
    case BAYES_IMPORT_WRONG:
        if (++im->wrong <= LINES_NAMED)
            fprintf(stderr, "postern: line %" PRIu64 " is neither bogoutil's nor sa-learn's\n", im->lines);
        return;
    case BAYES_IMPORT_SPAM: im->totals.spam = (double)line.count; return;
    case BAYES_IMPORT_HAM: im->totals.ham = (double)line.count; return;
    case BAYES_IMPORT_BOTH: im->totals = (struct store_bayes_totals){ line.counts.spam, line.counts.ham }; return;
    case BAYES_IMPORT_WORD: add(im, token_hash(line.token, line.word), line.counts); return;
    case BAYES_IMPORT_HASHED: hold(im, &line); return;
    }
}

static bool read_dump(struct import *im, const char *name)
{
    bool is_stdin = strcmp(name, "-") == 0, is_good;
    FILE *file = is_stdin ? stdin : fopen(name, "re");
    char *text = NULL;
    size_t room = 0;
    ssize_t len;

    if (!file) {
        fprintf(stderr, "postern: cannot read %s: %s\n", name, strerror(errno));
        return false;
    }
    while (!im->l->why[0] && (len = getline(&text, &room, file)) > 0)
        take_line(im, span_make(text, (size_t)len));
    is_good = !ferror(file);
    if (!is_good)
        fprintf(stderr, "postern: cannot read %s: %s\n", name, strerror(errno));
    free(text);
    if (!is_stdin)
        fclose(file);
    return is_good;
}

bool learn_import(struct learning *l)
{
    struct import *im = mem_alloc(sizeof *im);
    bool is_good;

    im->l = l;
    is_good = read_dump(im, l->paths[0]);
    if (is_good && im->held)
        is_good = find_words(im);
    if (is_good)
        send_batch(im, &im->totals);
    learn_wait(l, 0);
    printf("%" PRIu64 " lines: %" PRIu64 " tokens added, of %.0f messages of spam and %.0f of ham", im->lines,
           im->words, im->totals.spam, im->totals.ham);
    if (im->held)
        printf("; %zu digests, %zu of them without a word", im->held, im->held - (size_t)im->words);
    printf("; %" PRIu64 " lines of no use here, %" PRIu64 " wrong\n", im->unused, im->wrong);
    is_good = is_good && !im->wrong;
    free(im->table);
    free(im);
    return is_good;
}
