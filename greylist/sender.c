/* greylist/sender.c - what stays the same of an envelope sender from one message to the next.
 *
 * Threads: any. Memory: the arena's.
 */
#include "greylist/sender.h"

enum { BATV_TAG = 10, RANDOM_WORD = 20 };

static struct span lower(struct arena *a, struct span text)
{
    char *copy = arena_dup(a, text);

    for (size_t i = 0; i < text.len; i++)
        copy[i] = ascii_lower(copy[i]);
    return span_make(copy, text.len);
}

static bool is_batv_tag(struct span text)
{
    size_t n = 0;

    while (n < text.len && ascii_is_alnum(text.ptr[n]))
        n++;
    return n >= BATV_TAG;
}

/* "prvs=TAG=joe" as it is defined, or the other way round, as some write it; also Barracuda's "btv1==TAG==joe" and
 * MessageSystems' "msprvs1=TAG=joe". */
static struct span without_batv(struct span local)
{
    struct span rest, first = { 0 };

    if (span_starts(local, SPAN("btv1=="))) {
        size_t end = span_search(span_skip(local, 6), SPAN("=="));

        return end == SPAN_NPOS ? local : span_skip(local, 6 + end + 2);
    }
    if (!span_starts(local, SPAN("prvs=")) && !span_starts(local, SPAN("msprvs1=")))
        return local;
    rest = span_skip(local, span_find(local, '=') + 1);
    if (!span_cut(&rest, '=', &first) || !first.len || !rest.len)
        return local;
    return is_batv_tag(rest) && !is_batv_tag(first) && span_find(rest, '=') == SPAN_NPOS ? first : rest;
}

static bool is_srs(struct span local, char digit)
{
    return local.len > 5 && span_starts(local, SPAN("srs")) && local.ptr[3] == digit &&
           span_find(SPAN("=+-"), local.ptr[4]) != SPAN_NPOS;
}

/* Behind the `count` next "=". */
static struct span behind(struct span text, int count)
{
    struct span part = { 0 };

    while (count-- > 0)
        if (!span_cut(&text, '=', &part))
            break;
    return text.ptr ? text : (struct span){ "", 0 };
}

/* SRS0=hash=day=domain=joe, SRS1=hash=domain==hash=day=domain=joe: what does not change are domains and names. */
static struct span without_srs(struct arena *a, struct span local)
{
    struct span rest = span_skip(local, 5);

    if (is_srs(local, '0') && behind(rest, 2).len) {
        rest = behind(rest, 2);
        return span_of(arena_printf(a, "srs=%.*s", SPAN_ARG(rest)));
    }
    if (!is_srs(local, '1'))
        return local;
    rest = behind(rest, 1);
    size_t seam = span_search(rest, SPAN("=="));

    if (seam == SPAN_NPOS || !behind(span_skip(rest, seam + 2), 2).len)
        return local;
    struct span forwarder = span_first(rest, seam), origin = behind(span_skip(rest, seam + 2), 2);

    return span_of(arena_printf(a, "srs=%.*s=%.*s", SPAN_ARG(forwarder), SPAN_ARG(origin)));
}

static bool is_part_of_word(char c)
{
    return ascii_is_alnum(c) || (c & 0x80) || c == '#';
}

/* A number, a piece of a hash, a random word. */
static bool is_changing(struct span word)
{
    if (word.len > RANDOM_WORD)
        return true;
    for (size_t i = 0; i < word.len; i++)
        if (ascii_is_digit(word.ptr[i]) || word.ptr[i] == '#')
            return true;
    return false;
}

/* Words that change become "#", and so do several with only signs between them: how many pieces a random text falls
 * into is chance, too. In place; returns the new length. */
static size_t fold_words(char *text, size_t len)
{
    size_t out = 0, after_mark = SPAN_NPOS;

    for (size_t i = 0; i < len;) {
        size_t from = i;

        while (i < len && is_part_of_word(text[i]))
            i++;
        if (i == from) {
            text[out++] = text[i++];
        } else if (is_changing(span_make(text + from, i - from))) {
            if (after_mark != SPAN_NPOS)
                out = after_mark;
            else
                text[out++] = '#';
            after_mark = out;
        } else {
            memmove(text + out, text + from, i - from);
            out += i - from;
            after_mark = SPAN_NPOS;
        }
    }
    return out;
}

struct span sender_fold(struct arena *a, const struct address *sender)
{
    if (!sender->text.len)
        return (struct span){ "", 0 };
    struct span local = without_srs(a, without_batv(lower(a, sender->local)));
    size_t plus = span_find(local, '+');
    char *text = arena_dup(a, plus != SPAN_NPOS && plus > 0 ? span_first(local, plus) : local);
    size_t len = fold_words(text, strlen(text));

    return span_of(arena_printf(a, "%.*s@%.*s", (int)len, text, SPAN_ARG(lower(a, sender->domain))));
}
