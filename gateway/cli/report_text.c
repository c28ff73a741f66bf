/* cli/report_text.c - a verdict with its reasons, for people. */
#include "gateway/cli/report.h"

#include <stdlib.h>

#include "gateway/cli/shown.h"

enum { TEXT_MOST = 400 };

struct page {
    struct strbuf *out;
    bool is_colour;
};

static const char *const action_colours[] = {
    [ACTION_ACCEPT] = "\033[32m",  [ACTION_TAG] = "\033[33m",        [ACTION_GREYLIST] = "\033[33m",
    [ACTION_DEFER] = "\033[33m",   [ACTION_QUARANTINE] = "\033[31m", [ACTION_REJECT] = "\033[31m",
    [ACTION_DISCARD] = "\033[31m",
};

static void put_coloured(struct page *page, const char *colour, const char *text)
{
    strbuf_putf(page->out, "%s%s%s", page->is_colour ? colour : "", text, page->is_colour ? "\033[0m" : "");
}

static void put_foreign(struct page *page, const char *text)
{
    cli_put_shown(page->out, span_of(text ? text : ""), TEXT_MOST);
}

static void put_points(struct page *page, int hundredths)
{
    strbuf_putf(page->out, "%c%3d.%02d", hundredths < 0 ? '-' : ' ', abs(hundredths) / 100, abs(hundredths) % 100);
}

static void put_head(struct page *page, struct pipeline *p, const struct verdict *v)
{
    struct verdict_reply reply = pipeline_reply(p, v);

    put_coloured(page, action_colours[v->action], action_text(v->action));
    strbuf_puts(page->out, "  score");
    put_points(page, v->score);
    strbuf_puts(page->out, " (tag");
    put_points(page, v->tag);
    strbuf_puts(page->out, ", reject");
    put_points(page, v->reject);
    if (pipeline_profile(p)[0])
        strbuf_putf(page->out, ", profile %s", pipeline_profile(p));
    strbuf_putf(page->out, "), decided by %s\nreply   %u %s ", v->decided_by, reply.code, reply.enhanced);
    put_foreign(page, reply.text);
    strbuf_puts(page->out, "\n\n");
}

static void put_finding(struct page *page, const struct finding *f, struct idle idle)
{
    put_points(page, f->points);
    strbuf_putf(page->out, "  %-28s ", f->symbol);
    if (idle.why)
        strbuf_putf(page->out, "(does not count: %s%s%s) ", idle_text(idle.why), idle.by[0] ? " by " : "", idle.by);
    put_foreign(page, f->reason);
    strbuf_putc(page->out, '\n');
}

static void put_run(struct page *page, struct pipeline *p, const struct verdict *v, const struct run *run)
{
    if (run->state == RUN_OFF)
        return;
    strbuf_putf(page->out, "%-16s %-8s %6.1f ms", run->settings->check->name, run_state_text(run->state),
                (double)run->took_us / 1000.0);
    if (run->settings->mode != MODE_ENFORCE)
        strbuf_putf(page->out, "  mode %s", mode_text(run->settings->mode));
    if (run->failure) {
        strbuf_puts(page->out, "  ");
        put_foreign(page, run->failure);
    }
    strbuf_putc(page->out, '\n');
    for (size_t i = 0; i < run->finding_count; i++)
        put_finding(page, &run->findings[i], pipeline_idle(p, v, run, &run->findings[i]));
}

static void put_edits(struct page *page, const struct edits *edits)
{
    static const char marks[] = { [EDIT_PREPEND] = '+', [EDIT_REMOVE] = '-', [EDIT_REPLACE] = '~' };

    if (edits->count)
        strbuf_putc(page->out, '\n');
    for (size_t i = edits->count; i-- > 0;) {
        struct span rest = edits->items[i].value, line;

        strbuf_putf(page->out, "%c ", marks[edits->items[i].op]);
        cli_put_shown(page->out, edits->items[i].header, TEXT_MOST);
        strbuf_puts(page->out, ": ");
        for (int n = 0; span_cut(&rest, '\n', &line); n++) {
            strbuf_puts(page->out, n ? "\n      " : "");
            cli_put_shown(page->out, span_trim(line), TEXT_MOST);
        }
        strbuf_putc(page->out, '\n');
    }
}

void report_text(struct pipeline *p, const struct verdict *verdict, const struct edits *edits, bool is_colour,
                 struct strbuf *out)
{
    struct page page = { out, is_colour };

    put_head(&page, p, verdict);
    for (size_t i = 0; i < pipeline_run_count(p); i++)
        put_run(&page, p, verdict, pipeline_run(p, i));
    put_edits(&page, edits);
}
