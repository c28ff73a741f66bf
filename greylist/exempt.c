/* greylist/exempt.c - clients or recipients that need not wait, in the writing of postgrey's white-list files.
 *
 * Networks, names and addresses go into access sets, which find them in one step however many there are. Regular
 * expressions are tried one after the other.
 */
#include "greylist/exempt.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/mail/patterns.h"

struct exempt {
    enum exempt_kind kind;
    struct access_set *nets, *names; /* names: addresses, for recipients */
    struct patterns *patterns;
};

struct exempt *exempt_new(enum exempt_kind kind, size_t expected)
{
    struct exempt *e = mem_alloc(sizeof *e);

    e->kind = kind;
    e->nets = access_set_new(ACCESS_NETS, 0);
    e->names = access_set_new(kind == EXEMPT_CLIENTS ? ACCESS_NAMES : ACCESS_ADDRESSES, expected);
    e->patterns = patterns_new();
    return e;
}

void exempt_free(struct exempt *e)
{
    if (!e)
        return;
    patterns_free(e->patterns);
    access_set_free(e->nets);
    access_set_free(e->names);
    free(e);
}

size_t exempt_count(const struct exempt *e)
{
    return access_set_count(e->nets) + access_set_count(e->names) + patterns_count(e->patterns);
}

/* ---- entries ---- */

/* "192.0.2" and "192.0" stand for 192.0.2.0/24 and 192.0.0.0/16. False: not of that form. */
static bool short_net(struct span text, struct addr_net *out)
{
    char whole[32];
    struct span rest = text, part;
    size_t parts = 0;

    while (span_cut(&rest, '.', &part)) {
        uint64_t value;

        if (part.len > 3 || span_u64(part, 255, &value))
            return false;
        parts++;
    }
    if (parts != 2 && parts != 3)
        return false;
    snprintf(whole, sizeof whole, "%.*s%s", SPAN_ARG(text), parts == 2 ? ".0.0/16" : ".0/24");
    return !addr_net_parse(span_of(whole), out);
}

static bool looks_like_address(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!ascii_is_digit(text.ptr[i]) && text.ptr[i] != '.' && text.ptr[i] != '/')
            return span_find(text, ':') != SPAN_NPOS;
    return true;
}

/* A name stands for what is under it, too; with a leading dot for that alone. */
static const char *add_name(struct exempt *e, struct span text, unsigned number, const char *wrong)
{
    char under[EXEMPT_NAME_MOST + 2];
    bool is_under = text.ptr[0] == '.';

    if (text.len > EXEMPT_NAME_MOST)
        return wrong;
    snprintf(under, sizeof under, "%s%.*s", is_under ? "" : ".", SPAN_ARG(text));
    if (access_set_add(e->names, span_of(under), number))
        return wrong;
    return is_under || !access_set_add(e->names, text, number) ? NULL : wrong;
}

static const char *add_client(struct exempt *e, struct span text, unsigned number)
{
    static const char wrong[] = "is no client; write such as 192.0.2.1, 192.0.2.0/24, 2001:db8::/32, example.org or "
                                "/^mx[0-9]+\\.example\\.org$/";
    struct addr_net net;
    char normal[ADDR_NET_TEXT_MAX];

    if (!looks_like_address(text))
        return add_name(e, text, number, wrong);
    if (!short_net(text, &net) && addr_net_parse(text, &net))
        return wrong;
    return access_set_add(e->nets, span_of(addr_net_text(&net, normal)), number) ? wrong : NULL;
}

static const char *add_recipient(struct exempt *e, struct span text, unsigned number)
{
    static const char wrong[] = "is no recipient; write such as user@example.org, user@, example.org or "
                                "/^[^@]+@.*\\.example\\.org$/";

    if (span_find(text, '@') == SPAN_NPOS)
        return add_name(e, text, number, wrong);
    return access_set_add(e->names, text, number) ? wrong : NULL;
}

const char *exempt_add(struct exempt *e, struct span line, unsigned number)
{
    size_t comment = span_find(line, '#');
    struct span text = span_trim(comment == SPAN_NPOS ? line : span_first(line, comment)), rest = text, word;

    if (!span_word(&rest, &word))
        return NULL;
    if (span_find(text, '\0') != SPAN_NPOS)
        return "has a NUL inside; take it out";
    if (word.len != text.len)
        return "has something behind its first word; write one entry a line";
    if (text.len > 2 && text.ptr[0] == '/' && text.ptr[text.len - 1] == '/')
        return patterns_add(e->patterns, span_make(text.ptr + 1, text.len - 2), number);
    return e->kind == EXEMPT_CLIENTS ? add_client(e, text, number) : add_recipient(e, text, number);
}

/* ---- looking up ---- */

bool exempt_has_client(const struct exempt *e, const struct addr *client, const char *name, struct access_match *out)
{
    struct span text = name && *name ? span_of(name) : SPAN("unknown");

    return access_set_has_addr(e->nets, client, out) || access_set_has_name(e->names, text, out) ||
           patterns_fit(e->patterns, text, INT64_MAX, NULL, out);
}

bool exempt_has_recipient(const struct exempt *e, const struct address *recipient, struct access_match *out)
{
    struct address plain = *recipient;
    size_t plus = span_find(recipient->local, '+');

    if (!recipient->text.len)
        return false;
    if (access_set_has_address(e->names, recipient, out))
        return true;
    if (plus != SPAN_NPOS && plus > 0 && plus + 1 < recipient->local.len) {
        plain.local = span_first(plain.local, plus);
        if (access_set_has_address(e->names, &plain, out))
            return true;
    }
    return patterns_fit(e->patterns, recipient->text, INT64_MAX, NULL, out);
}

/* ---- files ---- */

static void *reader_make(int kind, size_t expected)
{
    return exempt_new((enum exempt_kind)kind, expected);
}

static const char *reader_add(void *set, struct span line, unsigned number)
{
    return exempt_add(set, line, number);
}

static void reader_free(void *set)
{
    exempt_free(set);
}

const struct access_reader exempt_reader = { .make = reader_make, .add = reader_add, .free = reader_free };
