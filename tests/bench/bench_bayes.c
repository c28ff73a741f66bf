/* tests/bench/bench_bayes.c - Bayes over messages in files: learning, and what it thinks of each; with the CPU time
 * that it took. tests/bench/bayes.py calls it.
 *
 *     bench_bayes learn|score|tokens FOLDER < LIST      lines "spam|ham PATH"; the store is in FOLDER
 *
 * `score` prints a line per message: its class, path, evidence and probability. Files are read before the clock starts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/strbuf.h"
#include "gateway/store/store.h"
#include "rules/bayes/bayes.h"
#include "rules/bayes/bayes_judge.h"

enum { MESSAGES_MOST = 100000, OPEN_MOST = 64, BYTES_MOST = 64 << 20 };

struct letter {
    char *path;
    bool is_spam;
    struct strbuf bytes;
};

struct bench {
    struct loop *loop;
    struct store *store;
    unsigned open, failed, learned;
    const struct tokens *tokens;
    const struct letter *letter;
};

static struct letter letters[MESSAGES_MOST];
static const struct bayes_conf conf = { .learned_least = 200, .tokens_most = 1048576, .remember_ms = 86400000 };

static int64_t cpu_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

static void read_letter(struct letter *letter)
{
    FILE *file = fopen(letter->path, "re");
    int c, last = 0;

    if (!file) {
        perror(letter->path);
        exit(3);
    }
    strbuf_init(&letter->bytes, BYTES_MOST);
    while ((c = getc(file)) != EOF) {
        if (c == '\n' && last != '\r')
            strbuf_putc(&letter->bytes, '\r');
        strbuf_putc(&letter->bytes, (char)c);
        last = c;
    }
    fclose(file);
}

static size_t read_list(void)
{
    char line[4096], path[4000], kind[10];
    size_t count = 0;

    while (count < MESSAGES_MOST && fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%9s %3999s", kind, path) != 2)
            continue;
        letters[count].path = mem_dup(path);
        letters[count].is_spam = strcmp(kind, "spam") == 0;
        read_letter(&letters[count++]);
    }
    return count;
}

static void on_learned(void *arg, const struct store_answer *answer)
{
    struct bench *b = arg;

    b->open--;
    b->failed += answer->state != STORE_OK;
    b->learned += answer->state == STORE_OK && answer->bayes.outcome == BAYES_LEARNED;
}

static void on_counts(void *arg, const struct store_answer *answer)
{
    struct bench *b = arg;
    struct bayes_opinion o;

    b->open--;
    b->failed += answer->state != STORE_OK;
    if (answer->state != STORE_OK)
        return;
    bayes_judge(b->tokens, answer, &o);
    printf("%s %s %.17g %.17g\n", b->letter->is_spam ? "spam" : "ham", b->letter->path, o.evidence, o.probability);
}

static void ask(struct bench *b, const struct letter *letter, bool is_learning)
{
    struct message_limits limits = { 262144, 1000 };
    struct message *m = message_new(strbuf_span(&letter->bytes), &limits);
    struct arena a;

    arena_init(&a, 1 << 24);
    b->tokens = tokens_of(&a, m);
    b->letter = letter;
    struct store_op op = bayes_op(&conf, is_learning ? STORE_BAYES_LEARN : STORE_BAYES_LOOK, bayes_class(&a, SPAN("")),
                                  b->tokens, clock_wall_ms());

    op.bayes.as = letter->is_spam ? BAYES_SPAM : BAYES_HAM;
    b->open++;
    store_ask(b->store, &op, 0, is_learning ? on_learned : on_counts, b);
    while (b->open && (!is_learning || b->open >= OPEN_MOST))
        loop_run_once(b->loop, -1);
    arena_release(&a);
    message_free(m);
}

static void print_tokens(const struct letter *letter)
{
    struct message_limits limits = { 262144, 1000 };
    struct message *m = message_new(strbuf_span(&letter->bytes), &limits);
    const struct tokens *t = tokens_of(&m->arena, m);

    for (size_t i = 0; i < t->count; i++)
        printf("%s%.*s\n", token_kind_text(t->items[i].kind), SPAN_ARG(t->items[i].text));
    message_free(m);
}

int main(int argc, char **argv)
{
    struct store_conf store = { .backend = STORE_LMDB, .timeout_ms = 30000, .size_most_bytes = 1 << 30 };
    char error[500] = "";
    struct bench b = { 0 };
    bool is_learning = argc > 1 && strcmp(argv[1], "learn") == 0;

    if (argc != 3)
        return 2;
    size_t count = read_list();

    if (strcmp(argv[1], "tokens") == 0) {
        for (size_t i = 0; i < count; i++)
            print_tokens(&letters[i]);
        return 0;
    }
    b.loop = loop_new();
    b.store = store_new(b.loop, &store, argv[2], error, sizeof error);
    if (!b.store) {
        fprintf(stderr, "%s\n", error);
        return 3;
    }
    int64_t wall = clock_mono_us(), cpu = cpu_us();

    for (size_t i = 0; i < count; i++)
        ask(&b, &letters[i], is_learning);
    while (b.open)
        loop_run_once(b.loop, -1);
    wall = clock_mono_us() - wall;
    cpu = cpu_us() - cpu;
    fprintf(stderr, "%zu messages, %u failed: %.0f a second of CPU, %.0f a second of wall clock, %.3f s CPU\n", count,
            b.failed, (double)count * 1e6 / (double)cpu, (double)count * 1e6 / (double)wall, (double)cpu / 1e6);
    store_free(b.store);
    loop_free(b.loop);
    return b.failed ? 3 : 0;
}
