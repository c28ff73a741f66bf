/* tests/fuzz/fuzz_composite.c - expressions of composites, one a line: what is taken is evaluated over some symbols,
 * and takes out what it has said that it may, and nothing else (the desk looks for that).
 */
#include "gateway/base/bug.h"
#include "rules/composites.h"
#include "rules/composites_conf.h"
#include "tests/kit/desk.h"

enum { LINES_MAX = 16 };

/* What a line of configuration could hold. */
static bool is_text(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < ' ' || s.ptr[i] > '~')
            return false;
    return s.len > 0 && s.len < 4000;
}

static void evaluate(struct composites_conf *conf, uint8_t found)
{
    static const char *const symbols[] = { "A", "B", "RBL_ONE", "RBL_TWO", "C0", "X", "Y", "Z" };
    struct desk *d = desk_open_bare(&composites_module, conf);

    desk_sister(d, 0);
    for (unsigned i = 0; i < 8; i++)
        if (found >> i & 1)
            desk_sister_found(d, symbols[i], (int)i * 100 - 300);
    desk_settle(d);
    for (size_t i = 0; i < d->run.removed_count; i++)
        for (size_t k = i + 1; k < d->run.removed_count; k++)
            if (strcmp(d->run.removed[i].symbol, d->run.removed[k].symbol) == 0)
                BUG("%s is taken out twice", d->run.removed[i].symbol);
    desk_close(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct composite list[LINES_MAX] = { 0 };
    struct composites_conf conf = { .composites = { list, 0 } };
    struct span rest = span_make((const char *)data + 2, size > 2 ? size - 2 : 0), line;
    struct arena arena;

    if (size < 3)
        return 0;
    arena_init(&arena, 1 << 24);
    while (conf.composites.count < LINES_MAX && span_cut(&rest, '\n', &line)) {
        size_t i = conf.composites.count;

        if (!is_text(line))
            continue;
        list[i] = (struct composite){ .title = arena_printf(&arena, "C%zu", i),
                                      .text_of_expression = arena_dup(&arena, line),
                                      .points = (int)i * 50 - 200,
                                      .describe = "",
                                      .policy = (int)((data[0] + i) % 3),
                                      .mode = (int)((data[0] / 3 + i) % 4),
                                      .action = (int)((data[0] / 12 + i) % 7),
                                      .text = "",
                                      .subject = "" };
        conf.composites.count++;
    }
    if (!composites_compile(&arena, &conf))
        evaluate(&conf, data[1]);
    arena_release(&arena);
    return 0;
}
