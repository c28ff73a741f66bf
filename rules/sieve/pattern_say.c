/* rules/sieve/pattern_say.c - a pattern said again, more loosely. See rules/sieve/pattern_tree.h.
 *
 * The best part of a pattern is one that tells much and weighs little: each byte of a small set tells some bits. Of
 * what is one behind the other any stretch is a part; of alternatives each must have one.
 */
#include "rules/sieve/pattern_tree.h"

enum {
    SMALL_LEAST = 8,      /* a count of bytes that stays, in PATTERN_COUNTS_SMALL */
    PART_WEIGHT_MAX = 60, /* of a stretch */
    BITS_ENOUGH = 30,     /* more of them do not make a part better */
    BITS_LEAST = 12,      /* about three letters */
    WEIGHT_PER_BIT = 8,
};

struct best {
    bool is_there;
    int bits, worth;
    const struct pattern_node *node;        /* the part is in it: of a choice, of each of its children */
    const struct pattern_node *from, *upto; /* or a stretch of children; NULL */
    struct span flags;                      /* under which it stands; none: the pattern's own */
};

struct saying {
    enum pattern_manner manner;
    struct strbuf *out;
};

static void say(struct saying *s, const struct pattern_node *node);

/* ---- parts ---- */

static int bits_of_byte(unsigned bytes)
{
    int bits = 5;

    for (unsigned size = 1; bits && size < bytes; size *= 2)
        bits--;
    return bits;
}

/* What any text that it matches tells at least. */
static int bits_of(const struct pattern_node *node)
{
    int sum = 0, least = BITS_ENOUGH;

    if (node->kind == PATTERN_BYTE)
        return bits_of_byte(node->bytes);
    for (const struct pattern_node *child = node->first; child; child = child->next) {
        int bits = bits_of(child);

        sum = sum + bits < BITS_ENOUGH ? sum + bits : BITS_ENOUGH;
        least = bits < least ? bits : least;
    }
    if (node->kind == PATTERN_ONE_OF)
        return least;
    return node->kind == PATTERN_REPEAT && !node->least ? 0 : sum;
}

static int worth(int bits, uint64_t weight)
{
    return (bits < BITS_ENOUGH ? bits : BITS_ENOUGH) * WEIGHT_PER_BIT - (int)weight;
}

/* Children one behind the other, of which the first and the last tell something. */
static void try_stretches(const struct pattern_node *all, struct best *best)
{
    for (const struct pattern_node *from = all->first; from; from = from->next) {
        uint64_t weight = 0;
        int bits = 0;

        if (!bits_of(from))
            continue;
        for (const struct pattern_node *upto = from; upto; upto = upto->next) {
            int more = bits_of(upto);

            weight += upto->weight;
            bits += more;
            if (weight > PART_WEIGHT_MAX)
                break;
            if (more && (!best->is_there || worth(bits, weight) > best->worth))
                *best = (struct best){ true, bits, worth(bits, weight), all, from, upto, { 0 } };
        }
    }
}

static struct best best_of(const struct pattern_node *node);

static struct best best_of_choice(const struct pattern_node *node)
{
    struct best all = { .is_there = true, .bits = BITS_ENOUGH, .worth = BITS_ENOUGH * WEIGHT_PER_BIT, .node = node };

    for (const struct pattern_node *child = node->first; child; child = child->next) {
        struct best one = best_of(child);

        if (!one.is_there)
            return one;
        all.bits = one.bits < all.bits ? one.bits : all.bits;
        all.worth = one.worth < all.worth ? one.worth : all.worth;
    }
    return all;
}

/* Flags in flags are not gone into. */
static struct best best_under_flags(const struct pattern_node *node)
{
    struct best best = best_of(node->first);

    if (best.flags.len)
        return (struct best){ 0 };
    best.flags = node->text;
    return best;
}

static struct best best_of(const struct pattern_node *node)
{
    struct best best = { 0 };

    if (node->kind == PATTERN_ONE_OF)
        return best_of_choice(node);
    if (node->kind == PATTERN_FLAGS)
        return best_under_flags(node);
    if (node->kind == PATTERN_BYTE && bits_of(node))
        return (struct best){ .is_there = true, .bits = bits_of(node), .worth = worth(bits_of(node), 1), .node = node };
    if (node->kind == PATTERN_REPEAT && !node->least)
        return best;
    if (node->kind == PATTERN_ALL)
        try_stretches(node, &best);
    for (const struct pattern_node *child = node->first; child; child = child->next) {
        struct best one = best_of(child);

        if (one.is_there && (!best.is_there || one.worth > best.worth))
            best = one;
    }
    return best;
}

static void say_best(struct saying *s, const struct pattern_node *node)
{
    struct best best = best_of(node);

    if (best.flags.len)
        strbuf_putf(s->out, "(?%.*s:", SPAN_ARG(best.flags));
    if (!best.from && best.node && best.node->kind == PATTERN_ONE_OF) {
        strbuf_puts(s->out, "(?:");
        for (const struct pattern_node *child = best.node->first; child; child = child->next) {
            say_best(s, child);
            strbuf_puts(s->out, child->next ? "|" : ")");
        }
    } else if (best.from) {
        for (const struct pattern_node *child = best.from; child; child = child == best.upto ? NULL : child->next)
            say(s, child);
    } else if (best.node) {
        say(s, best.node);
    }
    if (best.flags.len)
        strbuf_puts(s->out, ")");
}

/* ---- saying ---- */

static void say_children(struct saying *s, const struct pattern_node *node, const char *between)
{
    for (const struct pattern_node *child = node->first; child; child = child->next) {
        say(s, child);
        strbuf_puts(s->out, child->next ? between : "");
    }
}

static void say_group(struct saying *s, const struct pattern_node *node, const char *between)
{
    strbuf_puts(s->out, "(?:");
    say_children(s, node, between);
    strbuf_puts(s->out, ")");
}

/* How often, as `manner` has it: never less, never more seldom than it is. */
static void say_count(struct saying *s, unsigned least, unsigned most, bool is_byte)
{
    unsigned least_most = s->manner == PATTERN_COUNTS_SMALL ? (is_byte ? SMALL_LEAST : 2) : 1;

    if (s->manner != PATTERN_AS_IS && most > 1) {
        bool is_exact = least == most && most <= least_most;

        least = least < least_most ? least : least_most;
        most = is_exact ? most : PATTERN_ENDLESS;
    }
    if (least == 0 && most == 1)
        strbuf_puts(s->out, "?");
    else if (least < 2 && most == PATTERN_ENDLESS)
        strbuf_puts(s->out, least ? "+" : "*");
    else if (most == PATTERN_ENDLESS)
        strbuf_putf(s->out, "{%u,}", least);
    else if (least != 1 || most != 1)
        strbuf_putf(s->out, "{%u,%u}", least, most);
}

static void say(struct saying *s, const struct pattern_node *node)
{
    switch (node->kind) {
    case PATTERN_NOTHING: break;
    case PATTERN_BYTE:
    case PATTERN_PLACE: strbuf_put(s->out, node->text); break;
    case PATTERN_ANY: strbuf_puts(s->out, "(?s:.*)"); break;
    case PATTERN_ALL: say_children(s, node, ""); break;
    case PATTERN_ONE_OF: say_group(s, node, "|"); break;
    case PATTERN_FLAGS:
        strbuf_putf(s->out, "(?%.*s:", SPAN_ARG(node->text));
        say_children(s, node, "");
        strbuf_puts(s->out, ")");
        break;
    case PATTERN_REPEAT:
        if (node->first->kind == PATTERN_BYTE)
            say(s, node->first);
        else
            say_group(s, node, "");
        say_count(s, node->least, node->most, node->first->kind == PATTERN_BYTE);
        break;
    }
}

bool pattern_say(const struct pattern_node *node, enum pattern_manner manner, struct strbuf *out)
{
    struct saying s = { manner, out };

    if (manner == PATTERN_WORDS)
        return pattern_say_words(node, out);
    if (manner == PATTERN_BEST_PART) {
        struct best best = best_of(node);

        if (!best.is_there || best.bits < BITS_LEAST)
            return false;
        s.manner = PATTERN_COUNTS_SMALL;
        say_best(&s, node);
    } else {
        say(&s, node);
    }
    return !out->is_full;
}
