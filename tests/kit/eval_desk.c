/* tests/kit/eval_desk.c - see eval_desk.h. */
#include "tests/kit/eval_desk.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/kit/expect.h"

enum { ARGUMENTS_MAX = 10, HEADER_MOST = 1024 * 1024 };

struct eval_desk *eval_desk_open_bytes(struct span text)
{
    static const struct message_limits limits = { HEADER_MOST, HEADER_FIELDS_MAX };
    struct eval_desk *d = calloc(1, sizeof *d);

    assert_non_null(d);
    arena_init(&d->arena, SIZE_MAX);
    char *bytes = arena_alloc(&d->arena, 2 * text.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n' && (i == 0 || text.ptr[i - 1] != '\r'))
            bytes[n++] = '\r';
        bytes[n++] = text.ptr[i];
    }
    d->session.arena = d->session.tx_arena = &d->arena;
    d->session.door = "scan";
    d->session.hostname = "mx.example.net";
    d->inquiry.session = &d->session;
    d->inquiry.message = message_new(span_make(bytes, n), &limits);
    d->inquiry.evidence = &d->evidence;
    d->inquiry.arena = &d->arena;
    d->inquiry.now_ms = 1767225600000;
    d->scanning.q = &d->inquiry;
    d->scanning.set = &d->set;
    return d;
}

struct eval_desk *eval_desk_open(const char *text)
{
    return eval_desk_open_bytes(span_of(text));
}

void eval_desk_scan(struct eval_desk *d, const char *rules)
{
    const struct ruleset_options options = { .find_eval = eval_find, .has_plugin = eval_has_plugin };
    char path[] = "/tmp/postern-rules-XXXXXX.cf";
    const char *file = path, *wrong = NULL;
    int fd = mkstemps(path, 3);

    assert_true(fd >= 0);
    assert_int_equal(strlen(rules ? rules : ""), write(fd, rules ? rules : "", strlen(rules ? rules : "")));
    close(fd);
    const struct ruleset *set = ruleset_load(&d->arena, &file, 1, &options, &wrong);
    unlink(path);
    if (!set)
        fail_msg("%s", wrong);
    strbuf_init(&d->faults, 1 << 16);
    d->matcher = matcher_new(set, &d->faults);
    scanning_begin(&d->scanning, &d->inquiry, set, d->matcher, INT64_MAX);
}

void eval_desk_close(struct eval_desk *d)
{
    matcher_free(d->matcher);
    strbuf_release(&d->faults);
    message_free(d->inquiry.message);
    arena_release(&d->arena);
    free(d);
}

unsigned eval_desk_run(struct eval_desk *d, const char *function, ...)
{
    const char *arguments[ARGUMENTS_MAX];
    const struct eval_function *f = eval_find(function);
    struct rule rule = { .name = "TESTED", .is_eval = true };
    va_list args;

    assert_non_null(f);
    va_start(args, function);
    for (const char *one; (one = va_arg(args, const char *));)
        arguments[rule.eval.argument_count++] = one;
    va_end(args);
    assert_in_range(rule.eval.argument_count, f->least_arguments, f->most_arguments);
    rule.eval.function = function;
    rule.eval.arguments = arguments;
    rule.eval.known = f;
    return f->run(&d->scanning, &rule);
}
