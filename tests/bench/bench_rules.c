/* tests/bench/bench_rules.c - what rules cost: all files of a folder, as messages, through the check's parts, in CPU
 * time of one core; with the sieve and without.
 *
 * usage: bench_rules RULES MAIL [ROUNDS [SIEVE]]     RULES: what stands in `files`; MAIL: a folder of messages; SIEVE:
 * a file that the sieve is kept in, for the next time
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "rules/eval/eval.h"
#include "rules/evaluate.h"
#include "rules/sieve/sieve_make.h"

static const struct message_limits limits = { 1 << 20, 5000 };

struct mail {
    struct span *items;
    size_t count, bytes;
};

struct bench {
    struct arena arena; /* of the set and the mail */
    struct ruleset *set;
    struct matcher *matcher;
    struct rule_order order;
    struct mail mail;
    uint64_t hits, given_up;
};

/* LF becomes CRLF, as the doors have it. */
static struct span read_mail(struct arena *a, const char *path)
{
    FILE *file = fopen(path, "re");
    struct strbuf out;
    char line[65536];

    strbuf_init(&out, 64 << 20);
    while (file && fgets(line, sizeof line, file)) {
        struct span text = span_of(line);
        bool ends = text.len && text.ptr[text.len - 1] == '\n';

        text.len -= ends;
        text.len -= ends && text.len && text.ptr[text.len - 1] == '\r';
        strbuf_put(&out, text);
        if (ends)
            strbuf_puts(&out, "\r\n");
    }
    if (file)
        fclose(file);
    struct span copy = arena_copy(a, strbuf_span(&out));

    strbuf_release(&out);
    return copy;
}

static void read_folder(struct bench *b, const char *folder, size_t most)
{
    struct dirent **names;
    int count = scandir(folder, &names, NULL, alphasort);

    b->mail.items = arena_alloc(&b->arena, (size_t)(count > 0 ? count : 1) * sizeof *b->mail.items);
    for (int i = 0; i < count; i++) {
        if (names[i]->d_name[0] != '.' && b->mail.count < most) {
            const char *path = arena_printf(&b->arena, "%s/%s", folder, names[i]->d_name);

            b->mail.items[b->mail.count] = read_mail(&b->arena, path);
            b->mail.bytes += b->mail.items[b->mail.count++].len;
        }
        free(names[i]);
    }
    free(names);
}

enum phase { PHASE_CONTENT, PHASE_TEXTS, PHASE_RULES, PHASES };

static void run_one(struct bench *b, struct span bytes, int64_t took_us[PHASES])
{
    struct arena a;
    struct evidence evidence = { 0 };
    struct session session = { .door = "bench", .hostname = "mx.example", .tls_version = "", .tls_cipher = "" };
    struct scanning s;
    struct evaluation e;

    arena_init(&a, SIZE_MAX);
    session.arena = session.tx_arena = &a;
    struct message *m = message_new(bytes, &limits);
    struct inquiry q = {
        .session = &session, .message = m, .evidence = &evidence, .arena = &a, .now_ms = clock_wall_ms()
    };
    int64_t start_us = clock_thread_us();

    message_content(m);
    int64_t content_us = clock_thread_us();

    scanning_begin(&s, &q, b->set, b->matcher, clock_mono_us() + 60 * 1000000LL);
    int64_t texts_us = clock_thread_us();

    evaluate(&s, &b->order, &e);
    took_us[PHASE_CONTENT] += content_us - start_us;
    took_us[PHASE_TEXTS] += texts_us - content_us;
    took_us[PHASE_RULES] += clock_thread_us() - texts_us;
    for (size_t i = 0; i < b->set->count; i++)
        b->hits += s.hits[i] != 0;
    b->given_up += e.given_up_count;
    message_free(m);
    arena_release(&a);
}

static void run_all(struct bench *b, const char *what, unsigned rounds)
{
    int64_t took_us[PHASES] = { 0 };
    struct matcher_work before = *matcher_work(b->matcher, 0);

    b->hits = b->given_up = 0;
    for (unsigned round = 0; round < rounds; round++)
        for (size_t i = 0; i < b->mail.count; i++)
            run_one(b, b->mail.items[i], took_us);
    double messages = (double)b->mail.count * rounds;
    double all_us = (double)(took_us[0] + took_us[1] + took_us[2]);
    const struct matcher_work *work = matcher_work(b->matcher, 0);

    printf(
        "%-14s %6.3f ms a message (content %.3f, texts %.3f, rules %.3f), %6.1f MB/s; %.1f hits, %.1f matches tried, "
        "%llu given up\n",
        what, all_us / messages / 1000, (double)took_us[PHASE_CONTENT] / messages / 1000,
        (double)took_us[PHASE_TEXTS] / messages / 1000, (double)took_us[PHASE_RULES] / messages / 1000,
        (double)b->mail.bytes * rounds / all_us, (double)b->hits / messages,
        (double)(work->calls - before.calls) / messages, (unsigned long long)b->given_up);
}

/* By way of files, for it starts processes of its own. */
static struct sieve *make_sieve(struct bench *b, const char *kept)
{
    unsigned char key[SIEVE_KEY_BYTES];
    struct strbuf request, file;
    FILE *in = tmpfile(), *out = kept ? fopen(kept, "a+e") : tmpfile();
    const char *wrong = NULL;
    int64_t start_ms = clock_mono_ms();

    strbuf_init(&request, 64 << 20);
    strbuf_init(&file, 512 << 20);
    if (!in || !out || !sieve_request(b->matcher, b->set, &request, key))
        return NULL;
    fwrite(request.data, 1, request.len, in);
    rewind(in);
    fseek(out, 0, SEEK_END);
    if (ftell(out) == 0)
        wrong = sieve_make(fileno(in), fileno(out), SIEVE_PATTERN_MS_MAX);
    fseek(out, 0, SEEK_END);
    size_t bytes = (size_t)ftell(out);

    rewind(out);
    file.len = fread(strbuf_room(&file, bytes + 1), 1, bytes, out);
    int64_t made_ms = clock_mono_ms(), start_us = clock_mono_us();
    struct sieve *sieve = wrong ? NULL : sieve_load(strbuf_span(&file), key, b->set->count, &wrong);

    printf("sieve: %s, %.1f MB, compiled in %.1f s, loaded in %.1f ms\n", wrong ? wrong : "good", (double)bytes / 1e6,
           (double)(made_ms - start_ms) / 1000, (double)(clock_mono_us() - start_us) / 1000);
    strbuf_release(&request);
    strbuf_release(&file);
    fclose(in);
    fclose(out);
    return sieve;
}

int main(int argc, char **argv)
{
    struct bench b = { 0 };
    struct strbuf faults;
    const char *wrong = NULL;
    unsigned rounds = argc > 3 ? (unsigned)(argv[3][0] - '0') : 3;

    if (argc < 3) {
        fputs("usage: bench_rules RULES MAIL [ROUNDS]\n", stderr);
        return 2;
    }
    const char *files[] = { argv[1] };
    const struct ruleset_options options = { .find_eval = eval_find, .has_plugin = eval_has_plugin };

    arena_init(&b.arena, SIZE_MAX);
    strbuf_init(&faults, 1 << 20);
    int64_t start_us = clock_thread_us();

    b.set = ruleset_load(&b.arena, files, 1, &options, &wrong);
    if (!b.set) {
        fprintf(stderr, "%s\n", wrong);
        return 2;
    }
    int64_t loaded_us = clock_thread_us();

    b.matcher = matcher_new(b.set, &faults);
    b.order = rule_order(&b.arena, b.set, b.matcher);
    printf("%zu rules (%zu active, %zu unsupported); read in %.0f ms, compiled in %.0f ms\n", b.set->count,
           b.set->active, b.set->unsupported, (double)(loaded_us - start_us) / 1000,
           (double)(clock_thread_us() - loaded_us) / 1000);
    read_folder(&b, argv[2], 500);
    printf("%zu messages, %.1f KB on average\n", b.mail.count,
           (double)b.mail.bytes / (double)(b.mail.count ? b.mail.count : 1) / 1000);
    run_all(&b, "PCRE2 alone", 1);
    struct sieve *sieve = make_sieve(&b, argc > 4 ? argv[4] : NULL);

    if (sieve) {
        matcher_use(b.matcher, sieve);
        run_all(&b, "with a sieve", rounds);
    }
    matcher_free(b.matcher);
    strbuf_release(&faults);
    arena_release(&b.arena);
    return 0;
}
