/* rules/view/field_narrow.c - what rules ask of a field's values: its addresses, names, hosts, IP addresses. */
#include "gateway/mail/domain.h"
#include "rules/view/field_mailbox.h"
#include "rules/view/fields.h"
#include "rules/view/texts.h"

struct field_request field_request(const char *field, enum header_form form)
{
    struct span rest = span_of(field), part;
    struct field_request r = { .is_raw = form == HEADER_RAW,
                               .is_addr = form == HEADER_ADDR,
                               .is_name = form == HEADER_NAME };

    if (!span_cut(&rest, ':', &r.name))
        r.name = SPAN("");
    while (span_cut(&rest, ':', &part)) {
        r.is_raw |= span_is(part, "raw");
        r.is_addr |= span_is(part, "addr");
        r.is_name |= span_is(part, "name");
        r.is_host |= span_is(part, "host") || span_is(part, "domain");
        r.is_domain |= span_is(part, "domain");
        r.is_ip |= span_is(part, "ip") || span_is(part, "revip");
        r.is_reversed |= span_is(part, "revip");
        r.is_first |= span_is(part, "first");
        r.is_last |= span_is(part, "last");
    }
    return r;
}

struct list {
    struct arena *arena;
    struct rule_lines lines;
    size_t room;
};

static void put(struct list *list, struct span value)
{
    lines_add(list->arena, &list->lines, &list->room, value);
}

/* ---- addresses and names ---- */

static struct span without_single_quotes(struct span name)
{
    bool is_quoted = name.len >= 2 && name.ptr[0] == '\'' && name.ptr[name.len - 1] == '\'';

    return is_quoted ? span_skip(span_first(name, name.len - 1), 1) : name;
}

/* On one line, decoded, blanks joined, unless it is wanted raw. */
static struct span name_text(struct arena *a, struct span name, bool is_raw)
{
    unsigned flaws = 0;

    if (is_raw)
        return name;
    struct span decoded = words_decode(a, name, FIELD_VALUE_BYTES * 2, &flaws);
    char *out = arena_alloc(a, decoded.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < decoded.len; i++) {
        char c = decoded.ptr[i];
        bool is_blank = c == ' ' || (c >= '\t' && c <= '\r');

        if (!is_blank || (n && out[n - 1] != ' '))
            out[n++] = is_blank ? ' ' : c;
    }
    return without_single_quotes(span_trim(span_make(out, n)));
}

static void put_mailboxes(struct list *list, const struct field_request *r, struct span value)
{
    struct field_mailboxes all = field_mailboxes(list->arena, value);

    for (size_t i = 0; i < all.count; i++) {
        const struct field_mailbox *one = &all.items[i];

        if (r->is_addr && one->has_address)
            put(list, one->address);
        else if (!r->is_addr && one->has_name)
            put(list, name_text(list->arena, one->name, r->is_raw));
    }
}

/* ---- hosts ---- */

static bool is_host_byte(char c)
{
    return ascii_is_alnum(c) || c == '.' || c == '-' || c == '_' || (unsigned char)c >= 0x80;
}

/* A name of two labels or more under a top level domain that there is. */
static bool is_host(struct span text, char normal[DOMAIN_MAX])
{
    if (!domain_is_fqdn(text) || domain_normal(text, normal) != FAULT_NONE)
        return false;
    const char *top = strrchr(normal, '.');

    return top && (domain_is_registry_suffix(top + 1) || span_is(span_of(top + 1), "local"));
}

/* The host at the end of an address; else the first that is one: behind an at sign before others. */
static struct span host_in(struct span value, bool is_address, char normal[DOMAIN_MAX])
{
    struct span found = { 0 };

    if (is_address) {
        size_t at = span_rfind(value, '@');

        found = at == SPAN_NPOS ? SPAN("") : span_skip(value, at + 1);
        return domain_normal(found, normal) == FAULT_NONE ? found : SPAN("");
    }
    for (size_t i = 0; i < value.len;) {
        size_t begin = i;

        while (i < value.len && is_host_byte(value.ptr[i]))
            i++;
        struct span word = span_make(value.ptr + begin, i - begin);
        bool is_behind_at = begin && value.ptr[begin - 1] == '@';

        while (word.len && word.ptr[word.len - 1] == '.')
            word.len--;
        if (word.len && (!found.len || is_behind_at) && is_host(word, normal))
            found = word;
        if (i == begin)
            i++;
        if (found.len && is_behind_at)
            break;
    }
    return found.len && domain_normal(found, normal) == FAULT_NONE ? found : SPAN("");
}

static void put_host(struct list *list, const struct field_request *r, struct span value)
{
    char normal[DOMAIN_MAX];
    struct span host = host_in(value, r->is_addr, normal);

    if (!host.len)
        return;
    if (!r->is_domain) {
        put(list, host);
        return;
    }
    const char *domain = domain_org_psl(normal);

    put(list, span_of(arena_dup(list->arena, span_of(domain ? domain : normal))));
}

static void put_ip(struct list *list, const struct field_request *r, struct span value)
{
    for (size_t i = 0; i < value.len;) {
        size_t begin = i;
        struct addr addr;

        while (i < value.len && (ascii_is_alnum(value.ptr[i]) || value.ptr[i] == '.' || value.ptr[i] == ':'))
            i++;
        struct span word = span_make(value.ptr + begin, i - begin);

        if (word.len >= 3 && addr_parse(word, &addr) == FAULT_NONE) {
            char *text = arena_alloc(list->arena, ADDR_REVERSED_MAX);

            put(list, span_of(r->is_reversed ? addr_reversed(&addr, text) : addr_text(&addr, text)));
            return;
        }
        if (i == begin)
            i++;
    }
}

/* ---- all of it ---- */

static struct rule_lines each(struct arena *a, const struct field_request *r, struct rule_lines values,
                              void (*one)(struct list *, const struct field_request *, struct span))
{
    struct list list = { .arena = a };

    for (size_t i = 0; i < values.count; i++)
        one(&list, r, values.items[i]);
    return list.lines;
}

struct rule_lines field_narrow(struct arena *a, const struct field_request *request, struct rule_lines values)
{
    if (values.count > 1 && (request->is_first || request->is_last)) {
        values.items += request->is_first ? 0 : values.count - 1;
        values.count = 1;
    }
    if (request->is_addr || request->is_name)
        values = each(a, request, values, put_mailboxes);
    if (request->is_host)
        return each(a, request, values, put_host);
    return request->is_ip ? each(a, request, values, put_ip) : values;
}
