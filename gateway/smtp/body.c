/* smtp/body.c - a state machine for the borders between lines and chunks, and memchr() for all between them. */
#include "gateway/smtp/body.h"

/* A walk over one chunk. Bytes from `run` to `at` are good and not yet given to the sink. `lf` is the next LF at or
 * behind `at`, `end` when there is none: looked for once per LF, not once per CR, or a chunk of bare CRs would cost
 * its length squared. */
struct walk {
    struct body *body;
    const char *at, *run, *end, *lf;
    body_sink_fn *sink;
    void *arg;
};

void body_init(struct body *b, enum bare_newline mode, size_t line_most)
{
    *b = (struct body){ .mode = mode, .has_dots = true, .line_most = line_most };
}

void body_init_chunks(struct body *b, enum bare_newline mode, size_t line_most)
{
    *b = (struct body){ .mode = mode, .line_most = line_most };
}

unsigned body_refused(const struct body *b)
{
    return b->mode == BARE_REJECT ? b->faults : b->faults & (BODY_NUL | BODY_LONG_LINE);
}

static void give(struct walk *w, const char *from, const char *to)
{
    if (to > from && !body_refused(w->body))
        w->sink(w->arg, span_make(from, (size_t)(to - from)));
}

/* Gives the run up to `to`; the next one begins at `next`. */
static void flush(struct walk *w, const char *to, const char *next)
{
    give(w, w->run, to);
    w->run = w->at = next;
}

static void put_crlf(struct walk *w)
{
    static const char crlf[] = "\r\n";

    give(w, crlf, crlf + 2);
}

static void count_line(struct body *b, size_t bytes)
{
    b->line_bytes += bytes;
    if (b->line_bytes > b->line_most)
        b->faults |= BODY_LONG_LINE;
}

/* A newline that is none: what came before it ends at `to`, what follows begins at `next`. */
static void bare(struct walk *w, enum body_fault fault, const char *to, const char *next)
{
    w->body->faults |= fault;
    flush(w, to, next);
    put_crlf(w);
    w->body->line_bytes = 0;
    w->body->state = BODY_TEXT;
}

static void take_line_start(struct walk *w)
{
    w->body->line_bytes = 0;
    w->body->state = BODY_TEXT;
    if (*w->at != '.' || !w->body->has_dots)
        return;
    flush(w, w->at, w->at + 1);
    w->body->state = BODY_DOT;
}

static void take_dot(struct walk *w)
{
    w->body->state = BODY_TEXT;
    if (*w->at != '\r')
        return; /* the dot was stuffed, or should have been: it goes either way [RFC5321 4.5.2] */
    w->body->state = BODY_DOT_CR;
    w->run = ++w->at;
}

static void take_dot_cr(struct walk *w)
{
    if (*w->at != '\n') {
        bare(w, BODY_BARE_CR, w->at, w->at);
        return;
    }
    w->run = ++w->at;
    w->body->state = BODY_ENDED;
}

static void take_text_cr(struct walk *w)
{
    if (*w->at != '\n') {
        bare(w, BODY_BARE_CR, w->at, w->at);
        return;
    }
    w->run = ++w->at;
    put_crlf(w);
    w->body->state = BODY_LINE_START;
}

static const char *find(const char *from, const char *to, char byte)
{
    const char *found = memchr(from, byte, (size_t)(to - from));

    return found ? found : to;
}

static void take_text(struct walk *w)
{
    if (w->lf < w->at)
        w->lf = find(w->at, w->end, '\n');
    const char *cr = find(w->at, w->lf, '\r');

    count_line(w->body, (size_t)(cr - w->at));
    if (cr == w->end) {
        w->at = w->end;
    } else if (cr == w->lf) {
        bare(w, BODY_BARE_LF, cr, cr + 1);
    } else if (cr + 1 == w->end) {
        flush(w, cr, w->end); /* the CR waits for what the next chunk begins with */
        w->body->state = BODY_TEXT_CR;
    } else if (cr + 1 == w->lf) {
        w->at = cr + 2;
        w->body->state = BODY_LINE_START;
    } else {
        bare(w, BODY_BARE_CR, cr, cr + 1);
    }
}

size_t body_take(struct body *b, struct span in, body_sink_fn *sink, void *arg)
{
    static void (*const take[])(struct walk *) = { take_line_start, take_dot, take_dot_cr, take_text, take_text_cr };

    if (!in.len)
        return 0;
    const char *end = in.ptr + in.len;
    const char *nul = find(in.ptr, end, '\0');
    struct walk w = { b, in.ptr, in.ptr, end, NULL, sink, arg };

    while (w.at < end && b->state != BODY_ENDED)
        take[b->state](&w);
    if (nul < w.at)
        b->faults |= BODY_NUL;
    give(&w, w.run, w.at);
    return (size_t)(w.at - in.ptr);
}

void body_finish(struct body *b, body_sink_fn *sink, void *arg)
{
    struct walk w = { .body = b, .sink = sink, .arg = arg };

    if (b->state == BODY_TEXT_CR)
        b->faults |= BODY_BARE_CR;
    if (b->state == BODY_TEXT_CR || (b->state == BODY_TEXT && b->line_bytes)) /* none: a bare newline ended it */
        put_crlf(&w);
    b->state = BODY_ENDED;
}
