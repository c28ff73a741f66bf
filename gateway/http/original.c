/* http/original.c - a message with the line ends that it came with. */
#include "gateway/http/original.h"

enum { STRETCH_MOST = 64 * 1024 };

void original_init(struct original *o, const struct lines *lines, struct span message, const struct pieces *pieces)
{
    *o = (struct original){ .lines = lines, .message = message, .pieces = *pieces, .known = message.ptr };
}

static bool is_of_message(const struct original *o, const char *ptr)
{
    return (uintptr_t)ptr >= (uintptr_t)o->message.ptr && (uintptr_t)ptr < (uintptr_t)o->message.ptr + o->message.len;
}

/* The lines of what was left out, between the pieces, count as well. */
static void count_up_to(struct original *o, const char *ptr)
{
    struct span skipped = span_make(o->known, (size_t)(ptr - o->known));
    size_t lf;

    while ((lf = span_find(skipped, '\n')) != SPAN_NPOS) {
        skipped = span_skip(skipped, lf + 1);
        o->line++;
    }
    o->known = ptr;
}

/* How the line ends whose LF is at `lf`. */
static bool is_bare(struct original *o, const char *lf)
{
    if (!o->lines->bare || !is_of_message(o, lf))
        return o->lines->has_lf_first;
    count_up_to(o, lf);
    return lines_is_bare(o->lines, o->line);
}

/* From the front of `rest` up to a CR that did not come, which is *skip bytes long; else all of it. */
static struct span stretch_of(struct original *o, struct span rest, size_t *skip)
{
    size_t at = 0, lf;

    *skip = 0;
    if (!o->lines->has_lf_first && !o->lines->bare)
        return rest;
    while ((lf = span_find(span_skip(rest, at), '\n')) != SPAN_NPOS) {
        size_t here = at + lf;

        if (here && rest.ptr[here - 1] == '\r' && is_bare(o, rest.ptr + here)) {
            *skip = 1;
            return span_first(rest, here - 1);
        }
        at = here + 1;
    }
    return rest;
}

/* A CR is not parted from its LF. */
static struct span within_reach(struct span rest)
{
    struct span near = span_first(rest, STRETCH_MOST);

    return near.len < rest.len && near.ptr[near.len - 1] == '\r' ? span_first(near, near.len - 1) : near;
}

bool original_next(struct original *o, struct span *out)
{
    while (o->piece < o->pieces.count) {
        struct span whole = o->pieces.items[o->piece];
        size_t skip;

        *out = stretch_of(o, within_reach(span_skip(whole, o->at)), &skip);
        o->at += out->len + skip;
        if (o->at == whole.len) {
            o->piece++;
            o->at = 0;
        }
        if (out->len)
            return true;
    }
    return false;
}

size_t original_bytes(const struct original *o)
{
    struct original copy = *o;
    struct span stretch;
    size_t bytes = 0;

    while (original_next(&copy, &stretch))
        bytes += stretch.len;
    return bytes;
}
