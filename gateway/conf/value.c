/* conf/value.c - the types of values. */
#include "gateway/conf/value.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/endpoint.h"

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit time_units[] = { { "ms", 1 },      { "s", 1000 },     { "m", 60000 },
                                          { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 } };
static const struct unit size_units[] = {
    { "", 1 }, { "KiB", 1 << 10 }, { "MiB", 1 << 20 }, { "GiB", 1 << 30 }, { NULL, 0 }
};

bool conf_is_list(const struct conf_key *key)
{
    return key->type == CONF_STRS || key->type == CONF_ADDRS || key->type == CONF_ENDPOINTS ||
           key->type == CONF_CUSTOMS;
}

bool conf_plain(struct span token, struct span *out)
{
    bool is_quoted = token.len >= 2 && (token.ptr[0] == '"' || token.ptr[0] == '\'');

    *out = is_quoted ? span_make(token.ptr + 1, token.len - 2) : token;
    return span_find(*out, '\\') == SPAN_NPOS;
}

const char *conf_beside(struct arena *a, const char *beside, struct span path)
{
    size_t slash = span_rfind(span_of(beside), '/');

    if (slash == SPAN_NPOS || (path.len && path.ptr[0] == '/'))
        return arena_dup(a, path);
    return arena_printf(a, "%.*s%.*s", (int)(slash + 1), beside, SPAN_ARG(path));
}

size_t conf_words(struct arena *a, const char *text, struct conf_item **out)
{
    struct span rest = span_of(text), word;
    size_t count = 0, i = 0;

    while (span_word(&rest, &word))
        count++;
    *out = arena_alloc(a, (count ? count : 1) * sizeof **out);
    rest = span_of(text);
    while (span_word(&rest, &word))
        (*out)[i++].text = arena_dup(a, word);
    return count;
}

/* A whole number, with a sign when it has one. */
static bool parse_int(struct span text, int64_t *out)
{
    bool is_negative = text.len && text.ptr[0] == '-';
    uint64_t magnitude = 0;

    if (span_u64(is_negative ? span_skip(text, 1) : text, INT64_MAX, &magnitude))
        return false;
    *out = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

static bool parse_units(struct span text, const struct unit *units, int64_t most, int64_t *out)
{
    size_t digits = 0;
    uint64_t number = 0;

    while (digits < text.len && ascii_is_digit(text.ptr[digits]))
        digits++;
    if (span_u64(span_first(text, digits), INT64_MAX, &number))
        return false;
    for (; units->name; units++) {
        if (!span_is(span_skip(text, digits), units->name))
            continue;
        if (number > (uint64_t)(most / units->factor))
            return false;
        *out = (int64_t)number * units->factor;
        return true;
    }
    *out = 0;
    return number == 0 && digits == text.len;
}

/* "-4.25" into -425. */
static bool parse_points(struct span text, int64_t *out)
{
    bool is_negative = text.len && text.ptr[0] == '-';
    struct span rest = is_negative ? span_skip(text, 1) : text, whole = { 0 };
    uint64_t units = 0, cents = 0;

    if (!span_cut(&rest, '.', &whole) || span_u64(whole, 1000, &units))
        return false;
    if (rest.ptr && (rest.len > 2 || span_u64(rest, 99, &cents)))
        return false;
    if (rest.len == 1)
        cents *= 10;
    int64_t value = (int64_t)(units * 100 + cents);

    *out = is_negative ? -value : value;
    return value <= 100000;
}

static bool parse_number(enum conf_type type, struct span text, int64_t *out)
{
    switch (type) {
    case CONF_INT: return parse_int(text, out);
    case CONF_MS: return parse_units(text, time_units, INT_MAX, out);
    case CONF_TIME: return parse_units(text, time_units, INT64_MAX, out);
    case CONF_BYTES: return parse_units(text, size_units, INT64_MAX, out);
    case CONF_POINTS: return parse_points(text, out);
    default: return false;
    }
}

static const char *kind_of_number(enum conf_type type)
{
    switch (type) {
    case CONF_INT: return "no whole number; write digits only, such as 16";
    case CONF_MS: return "no duration; write a number and ms, s, m, h or d (at most 24d), such as \"30s\"";
    case CONF_TIME: return "no duration; write a number and ms, s, m, h or d, such as \"35d\"";
    case CONF_BYTES: return "no size; write a number of bytes, or with KiB, MiB or GiB, such as \"10MiB\"";
    default: return "no score; write -1000.00 to 1000.00 with at most two decimals, such as 4.50";
    }
}

const char *conf_range(struct arena *a, const struct conf_key *key)
{
    if (key->type == CONF_BOOL)
        return "yes or no";
    if (key->type == CONF_ENUM)
        return arena_printf(a, "one of: %s", key->least);
    if (key->type == CONF_ENDPOINTS || key->type == CONF_SECTION || key->type == CONF_SECTIONS)
        return "";
    if (key->least && key->most)
        return arena_printf(a, "%s to %s", key->least, key->most);
    if (key->least)
        return arena_printf(a, "at least %s", key->least);
    return key->most ? arena_printf(a, "at most %s", key->most) : "";
}

static bool is_in_range(const struct conf_key *key, int64_t value)
{
    int64_t least = INT64_MIN, most = INT64_MAX;

    if (key->least && !parse_number(key->type, span_of(key->least), &least))
        BUG("key %s: least \"%s\"", key->name, key->least);
    if (key->most && !parse_number(key->type, span_of(key->most), &most))
        BUG("key %s: most \"%s\"", key->name, key->most);
    return value >= least && value <= most;
}

static const char *number_value(struct arena *a, const struct conf_key *key, const char *text, void *out)
{
    int64_t value = 0;

    if (!parse_number(key->type, span_of(text), &value))
        return arena_printf(a, "is %s", kind_of_number(key->type));
    if (!is_in_range(key, value))
        return arena_printf(a, "is out of range; write %s", conf_range(a, key));
    switch (key->type) {
    case CONF_INT:
    case CONF_TIME: *(int64_t *)out = value; break;
    case CONF_BYTES: *(size_t *)out = (size_t)value; break;
    default: *(int *)out = (int)value; break;
    }
    return NULL;
}

static const char *bool_value(const char *text, bool *out)
{
    static const char *const words[] = { "no", "yes", "false", "true", "off", "on" };

    for (size_t i = 0; i < COUNT(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i % 2 == 1;
            return NULL;
        }
    }
    return "is neither yes nor no; write one of them";
}

static const char *enum_value(struct arena *a, const struct conf_key *key, const char *text, int *out)
{
    struct span words = span_of(key->least), word;

    for (int i = 0; span_word(&words, &word); i++) {
        if (span_is(word, text)) {
            *out = i;
            return NULL;
        }
    }
    return arena_printf(a, "is not known; write one of: %s", key->least);
}

static const char *file_value(struct arena *a, const struct conf_item *item, const char **out)
{
    struct stat st;

    *out = item->text;
    if (!item->text[0] || !item->file)
        return NULL;
    *out = conf_beside(a, item->file, span_of(item->text));
    int fd = open(*out, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return arena_printf(a, "cannot be opened as %s (%s); check its name and its permissions", *out,
                            strerror(errno));
    bool is_file = fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode);

    close(fd);
    return is_file ? NULL : "is a folder; name a file";
}

static const char *addr_value(struct arena *a, const char *text, struct addr_net *out)
{
    char net[ADDR_NET_TEXT_MAX];
    struct span rest = span_of(text), host = { 0 };
    struct addr address;

    if (addr_net_parse(span_of(text), out))
        return "is no address or network; write such as \"192.0.2.1\", \"192.0.2.0/24\" or \"2001:db8::/32\"";
    if (span_cut(&rest, '/', &host) && !addr_parse(host, &address) && !addr_eq(&address, &out->base))
        return arena_printf(a, "has bits behind its prefix; write \"%s\" if you mean the network",
                            addr_net_text(out, net));
    return NULL;
}

static const char *endpoint_value(struct arena *a, const struct conf_key *key, const char *text, struct endpoint *out)
{
    uint64_t port = 0, number = 0;

    if (key->least && span_u64(span_of(key->least), 65535, &port))
        BUG("key %s: default port \"%s\"", key->name, key->least);
    if (!span_u64(span_of(text), 65535, &number))
        return arena_printf(a, "is a port without an address; write \"127.0.0.1:%s\", or \"0.0.0.0:%s\" for all", text,
                            text);
    enum fault fault = endpoint_parse(span_of(text), (unsigned)port, out);

    if (!fault)
        return NULL;
    if (fault == FAULT_TOO_LONG)
        return "is longer than a name or the path of a socket can be; write a shorter one";
    return arena_printf(a, "is no address%s; write such as \"127.0.0.1:%s\", \"[::1]:%s\" or \"unix:/run/x.sock\"",
                        port ? "" : " with a port", key->least ? key->least : "25", key->least ? key->least : "25");
}

static const char *endpoints_value(struct arena *a, const struct conf_key *key, const struct conf_item *items,
                                   size_t count, struct conf_endpoints *out, size_t *wrong)
{
    struct endpoint *list = arena_alloc(a, (count ? count : 1) * sizeof *list);

    for (size_t i = 0; i < count; i++) {
        const char *what = endpoint_value(a, key, items[i].text, &list[i]);

        *wrong = i;
        if (what)
            return what;
        for (size_t k = 0; k < i; k++)
            if (endpoint_eq(&list[k], &list[i]))
                return "stands in this list twice; write it once";
    }
    *out = (struct conf_endpoints){ list, count };
    return NULL;
}

static const char *addrs_value(struct arena *a, const struct conf_item *items, size_t count, struct conf_nets *out,
                               size_t *wrong)
{
    struct addr_net *list = arena_alloc(a, (count ? count : 1) * sizeof *list);

    for (size_t i = 0; i < count; i++) {
        const char *what = addr_value(a, items[i].text, &list[i]);

        *wrong = i;
        if (what)
            return what;
    }
    *out = (struct conf_nets){ list, count };
    return NULL;
}

static const char *strs_value(struct arena *a, const struct conf_item *items, size_t count, struct conf_strs *out)
{
    const char **list = arena_alloc(a, (count ? count : 1) * sizeof *list);

    for (size_t i = 0; i < count; i++)
        list[i] = items[i].text;
    *out = (struct conf_strs){ list, count };
    return NULL;
}

static const char *customs_value(struct arena *a, const struct conf_key *key, const struct conf_item *items,
                                 size_t count, void *out, size_t *wrong)
{
    const char *what = NULL;

    for (size_t i = 0; i < count && !what; i++) {
        *wrong = i;
        what = key->parse(a, items[i].text, out);
    }
    return what;
}

const char *conf_value(struct arena *a, const struct conf_key *key, const struct conf_item *items, size_t count,
                       void *out, size_t *wrong)
{
    *wrong = 0;
    if (!conf_is_list(key) && count != 1)
        BUG("key %s with %zu values", key->name, count);
    switch (key->type) {
    case CONF_BOOL: return bool_value(items[0].text, out);
    case CONF_INT:
    case CONF_MS:
    case CONF_TIME:
    case CONF_BYTES:
    case CONF_POINTS: return number_value(a, key, items[0].text, out);
    case CONF_ENUM: return enum_value(a, key, items[0].text, out);
    case CONF_STR: *(const char **)out = items[0].text; return NULL;
    case CONF_STRS: return strs_value(a, items, count, out);
    case CONF_FILE: return file_value(a, &items[0], out);
    case CONF_ADDRS: return addrs_value(a, items, count, out, wrong);
    case CONF_ENDPOINTS: return endpoints_value(a, key, items, count, out, wrong);
    case CONF_CUSTOM: return key->parse(a, items[0].text, out);
    case CONF_CUSTOMS: return customs_value(a, key, items, count, out, wrong);
    case CONF_SECTION:
    case CONF_SECTIONS: break;
    }
    BUG("key %s of type %d", key->name, (int)key->type);
}

const char *conf_example(struct arena *a, const struct conf_key *key)
{
    switch (key->type) {
    case CONF_BOOL: return key->initial ? key->initial : "no";
    case CONF_INT: return key->initial ? key->initial : key->least ? key->least : "1";
    case CONF_POINTS: return key->initial ? key->initial : "1.00";
    case CONF_ENUM: {
        struct span words = span_of(key->least), word = { 0 };

        return span_word(&words, &word) ? arena_printf(a, "\"%.*s\"", SPAN_ARG(word)) : "\"\"";
    }
    case CONF_MS: return arena_printf(a, "\"%s\"", key->initial ? key->initial : "30s");
    case CONF_TIME: return arena_printf(a, "\"%s\"", key->initial ? key->initial : "1d");
    case CONF_BYTES: return arena_printf(a, "\"%s\"", key->initial ? key->initial : "1MiB");
    case CONF_ADDRS: return "{\"192.0.2.0/24\"}";
    case CONF_ENDPOINTS: return arena_printf(a, "{\"127.0.0.1:%s\"}", key->least ? key->least : "25");
    case CONF_STRS:
    case CONF_CUSTOMS: return "{\"...\"}";
    default: return "\"...\"";
    }
}
