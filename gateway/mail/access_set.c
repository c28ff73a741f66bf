/* mail/access_set.c - a set of networks, domains or addresses.
 *
 * A key is a tag and the normal form: '4' or '6', prefix length and network; 'd' and a domain; 's' and a domain that
 * stands for what is under it; 'a' and an address; 'u' and a local part; '0' for the null sender. A map's value, ended
 * by NUL, lies behind its key.
 */
#include "gateway/mail/access_set.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/mail/domain.h"

struct key {
    size_t len;
    char bytes[ACCESS_ENTRY_TEXT_MAX];
};

struct entry {
    uint32_t at; /* of its key in `bytes` */
    uint32_t line;
    uint16_t len;
};

struct access_set {
    enum access_kind kind;
    bool is_map;
    struct entry *entries;
    size_t count, capacity;
    char *bytes;
    size_t byte_count, byte_capacity;
    uint32_t *slots; /* 1 + index into entries, 0: free */
    size_t slot_count;
    bool has_bits4[33], has_bits6[129];
    uint32_t tags; /* that its keys have, a bit each: what no key can be found by is not looked for */
};

static uint32_t tag_bit(char tag)
{
    return 1U << (tag & 31); /* no two of them share one */
}

static bool has_tag(const struct access_set *set, char tag)
{
    return set->tags & tag_bit(tag);
}

/* ---- entries into keys ---- */

static void key_start(struct key *key, char tag)
{
    key->bytes[0] = tag;
    key->len = 1;
}

/* False when it does not fit. */
static bool key_put(struct key *key, struct span text)
{
    if (text.len > sizeof key->bytes - key->len)
        return false;
    if (text.len)
        memcpy(key->bytes + key->len, text.ptr, text.len);
    key->len += text.len;
    return true;
}

static bool key_put_lower(struct key *key, struct span text)
{
    size_t from = key->len;

    if (!key_put(key, text))
        return false;
    for (size_t i = from; i < key->len; i++)
        key->bytes[i] = ascii_lower(key->bytes[i]);
    return true;
}

static void net_key(struct key *key, const struct addr_net *net)
{
    char bits = (char)net->bits;

    key_start(key, net->base.family == ADDR_IP4 ? '4' : '6');
    key_put(key, span_make(&bits, 1));
    key_put(key, span_make((const char *)net->base.bytes, net->base.family == ADDR_IP4 ? 4 : 16));
}

static const char *net_entry(struct span text, struct key *key)
{
    struct addr_net net;
    struct addr written;
    struct span rest = text, host = { 0 };

    if (addr_net_parse(text, &net))
        return "is no address or network; write such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32";
    if (!span_cut(&rest, '/', &host) || addr_parse(host, &written) || !addr_eq(&written, &net.base))
        return "has bits behind its prefix; write the network's first address, or leave the prefix out";
    net_key(key, &net);
    return NULL;
}

static const char *name_entry(struct span text, struct key *key)
{
    char normal[DOMAIN_MAX];
    bool is_under = false;

    if (span_starts(text, SPAN("*.")))
        text = span_skip(text, 1);
    if (text.len && text.ptr[0] == '.') {
        is_under = true;
        text = span_skip(text, 1);
    }
    if (domain_normal(text, normal))
        return "is no domain; write such as example.org, or .example.org for all that is under it";
    key_start(key, is_under ? 's' : 'd');
    key_put(key, span_of(normal));
    return NULL;
}

/* "local@domain"; false when it is none. */
static bool address_key(struct span local, struct span domain, struct key *key)
{
    char normal[DOMAIN_MAX];

    if (!local.len || domain_normal(domain, normal))
        return false;
    key_start(key, 'a');
    return key_put_lower(key, local) && key_put(key, SPAN("@")) && key_put(key, span_of(normal));
}

static bool has_control(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == 0x7f)
            return true;
    return false;
}

static const char *address_entry(struct span text, struct key *key)
{
    static const char wrong[] =
        "is no address; write such as user@example.org, user@, @example.org, .example.org or <>";
    size_t at = span_rfind(text, '@');

    key_start(key, '0');
    if (span_is(text, "<>"))
        return NULL;
    if (at == SPAN_NPOS)
        return name_entry(text, key) ? wrong : NULL;
    struct span local = span_first(text, at), domain = span_skip(text, at + 1);

    if (!local.len)
        return name_entry(domain, key) ? wrong : NULL;
    if (has_control(local) || (!domain.len && span_find(local, '@') != SPAN_NPOS))
        return wrong;
    if (domain.len)
        return address_key(local, domain, key) ? NULL : wrong;
    key_start(key, 'u');
    return key_put_lower(key, local) ? NULL : wrong;
}

static bool is_numeric(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!ascii_is_digit(text.ptr[i]) && text.ptr[i] != '.')
            return false;
    return true;
}

/* "192.0.2" and the like: how many octets it has, and then it is completed in `out`; 0: it is something else. */
static unsigned octets_of(struct span text, char out[ADDR_TEXT_MAX])
{
    unsigned count = 1;

    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '.';
    if (!text.len || text.len > 11 || count > 3 || !is_numeric(text))
        return 0;
    snprintf(out, ADDR_TEXT_MAX, "%.*s%s", SPAN_ARG(text), count == 1 ? ".0.0.0" : count == 2 ? ".0.0" : ".0");
    return count;
}

/* "2001:db8" and the like: how many groups it has; 0: it is something else. */
static unsigned groups_of(struct span text, char out[ADDR_TEXT_MAX])
{
    unsigned count = 1;

    if (text.len > 34 || span_find(text, ':') == SPAN_NPOS || span_search(text, SPAN("::")) != SPAN_NPOS ||
        span_find(text, '/') != SPAN_NPOS)
        return 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == ':';
    snprintf(out, ADDR_TEXT_MAX, "%.*s::", SPAN_ARG(text));
    return count < 8 ? count : 0;
}

static const char *client_entry(struct span text, struct key *key)
{
    static const char wrong[] = "is no address, network or name; write such as 192.0.2, 192.0.2.0/24, 2001:db8 or "
                                "example.org";
    char whole[ADDR_TEXT_MAX];
    unsigned octets = octets_of(text, whole), groups = octets ? 0 : groups_of(text, whole);
    struct addr_net net = { .bits = octets ? 8 * octets : 16 * groups };

    if (octets || groups) {
        if (addr_parse(span_of(whole), &net.base))
            return wrong;
        net_key(key, &net);
        return NULL;
    }
    struct addr a;

    if (!addr_parse(span_first(text, span_find(text, '/')), &a))
        return net_entry(text, key);
    if (name_entry(text, key) || is_numeric(span_make(key->bytes + 1, key->len - 1)))
        return wrong; /* a name of digits alone is an address that went wrong */
    return NULL;
}

static const char *entry_key(enum access_kind kind, struct span text, struct key *key)
{
    if (text.len >= ACCESS_ENTRY_TEXT_MAX)
        return "is longer than any address; write one entry a line";
    switch (kind) {
    case ACCESS_NETS: return net_entry(text, key);
    case ACCESS_NAMES: return name_entry(text, key);
    case ACCESS_ADDRESSES: return address_entry(text, key);
    case ACCESS_CLIENTS: return client_entry(text, key);
    }
    BUG("access kind %d", (int)kind);
}

const char *access_entry_wrong(enum access_kind kind, struct span entry)
{
    struct key key;

    return entry_key(kind, entry, &key);
}

static void key_text(struct span key, char *out)
{
    struct addr_net net = { .bits = key.len > 1 ? (unsigned char)key.ptr[1] : 0 };
    struct span rest = span_skip(key, 1);

    switch (key.ptr[0]) {
    case '4':
    case '6':
        addr_from_bytes(key.ptr[0] == '4' ? ADDR_IP4 : ADDR_IP6, key.ptr + 2, &net.base);
        addr_net_text(&net, out);
        return;
    case 's': snprintf(out, ACCESS_ENTRY_TEXT_MAX, ".%.*s", SPAN_ARG(rest)); return;
    case 'u': snprintf(out, ACCESS_ENTRY_TEXT_MAX, "%.*s@", SPAN_ARG(rest)); return;
    case '0': snprintf(out, ACCESS_ENTRY_TEXT_MAX, "<>"); return;
    default: snprintf(out, ACCESS_ENTRY_TEXT_MAX, "%.*s", SPAN_ARG(rest)); return;
    }
}

/* ---- the table ---- */

/* FNV-1a: keys come from the operator's files, so nobody can aim at collisions. */
static uint64_t hash_of(struct span key)
{
    uint64_t h = 14695981039346656037U;

    for (size_t i = 0; i < key.len; i++)
        h = (h ^ (unsigned char)key.ptr[i]) * 1099511628211U;
    return h ^ h >> 32;
}

static struct span key_of(const struct access_set *set, const struct entry *e)
{
    return span_make(set->bytes + e->at, e->len);
}

/* Where the key is, or would be. */
static uint32_t *slot_of(const struct access_set *set, struct span key)
{
    size_t mask = set->slot_count - 1, i = hash_of(key) & mask;

    while (set->slots[i] && !span_eq(key_of(set, &set->entries[set->slots[i] - 1]), key))
        i = (i + 1) & mask;
    return &set->slots[i];
}

static void slots_new(struct access_set *set, size_t least)
{
    set->slot_count = 16;
    while (set->slot_count < least * 2)
        set->slot_count *= 2;
    free(set->slots);
    set->slots = mem_alloc(set->slot_count * sizeof *set->slots);
    for (size_t i = 0; i < set->count; i++)
        *slot_of(set, key_of(set, &set->entries[i])) = (uint32_t)i + 1;
}

struct access_set *access_set_new(enum access_kind kind, size_t expected)
{
    struct access_set *set = mem_alloc(sizeof *set);

    set->kind = kind;
    slots_new(set, expected < ACCESS_ENTRIES_MOST ? expected : ACCESS_ENTRIES_MOST);
    return set;
}

struct access_set *access_map_new(enum access_kind kind, size_t expected)
{
    struct access_set *map = access_set_new(kind, expected);

    map->is_map = true;
    return map;
}

void access_set_free(struct access_set *set)
{
    if (!set)
        return;
    free(set->entries);
    free(set->bytes);
    free(set->slots);
    free(set);
}

size_t access_set_count(const struct access_set *set)
{
    return set->count;
}

static void reserve(struct access_set *set, size_t bytes)
{
    if (set->count == set->capacity) {
        set->capacity = set->capacity ? set->capacity * 2 : 16;
        set->entries = mem_grow(set->entries, set->capacity * sizeof *set->entries);
    }
    if (set->byte_capacity - set->byte_count < bytes) {
        set->byte_capacity = set->byte_capacity * 2 + bytes;
        set->bytes = mem_grow(set->bytes, set->byte_capacity);
    }
    if ((set->count + 1) * 3 > set->slot_count * 2)
        slots_new(set, set->slot_count);
}

static void put_bytes(struct access_set *set, struct span bytes)
{
    if (bytes.len)
        memcpy(set->bytes + set->byte_count, bytes.ptr, bytes.len);
    set->byte_count += bytes.len;
}

static const char *add(struct access_set *set, struct span entry, struct span value, unsigned line)
{
    struct key key;
    const char *wrong = entry_key(set->kind, entry, &key);

    if (wrong)
        return wrong;
    if (set->count == ACCESS_ENTRIES_MOST)
        return "is one more than the 1000000 that a list may have; split the list";
    reserve(set, key.len + value.len + 1);
    uint32_t *slot = slot_of(set, span_make(key.bytes, key.len));

    if (*slot)
        return NULL;
    if (key.bytes[0] == '4')
        set->has_bits4[(unsigned char)key.bytes[1]] = true;
    if (key.bytes[0] == '6')
        set->has_bits6[(unsigned char)key.bytes[1]] = true;
    set->entries[set->count] = (struct entry){ (uint32_t)set->byte_count, line, (uint16_t)key.len };
    put_bytes(set, span_make(key.bytes, key.len));
    if (set->is_map) {
        put_bytes(set, value);
        put_bytes(set, span_make("", 1));
    }
    *slot = (uint32_t)++set->count;
    set->tags |= tag_bit(key.bytes[0]);
    return NULL;
}

const char *access_set_add(struct access_set *set, struct span entry, unsigned line)
{
    return add(set, entry, (struct span){ 0 }, line);
}

const char *access_map_add(struct access_set *map, struct span entry, struct span value, unsigned line)
{
    if (value.len > ACCESS_VALUE_MOST || span_find(value, '\0') != SPAN_NPOS)
        return "has a value of more than 1000 bytes, or with a NUL; shorten it";
    return add(map, entry, value, line);
}

/* ---- looking up ---- */

static bool find(const struct access_set *set, const struct key *key, struct access_match *out)
{
    if (!has_tag(set, key->bytes[0]))
        return false;
    uint32_t slot = *slot_of(set, span_make(key->bytes, key->len));

    if (slot && out) {
        const struct entry *e = &set->entries[slot - 1];

        out->line = e->line;
        key_text(key_of(set, e), out->text);
        out->value = set->is_map ? span_of(set->bytes + e->at + e->len) : (struct span){ 0 };
    }
    return slot != 0;
}

bool access_set_has_addr(const struct access_set *set, const struct addr *addr, struct access_match *out)
{
    bool is_ip4 = addr->family == ADDR_IP4;
    const bool *has_bits = is_ip4 ? set->has_bits4 : set->has_bits6;

    if (addr->family == ADDR_NONE || !has_tag(set, is_ip4 ? '4' : '6'))
        return false;
    for (unsigned bits = is_ip4 ? 32 : 128;; bits--) {
        if (has_bits[bits]) {
            struct addr_net net = { addr_mask(addr, bits), bits };
            struct key key;

            net_key(&key, &net);
            if (find(set, &key, out))
                return true;
        }
        if (!bits)
            return false;
    }
}

static bool has_normal_name(const struct access_set *set, const char *normal, struct access_match *out)
{
    struct key key;

    key_start(&key, 'd');
    key_put(&key, span_of(normal));
    if (find(set, &key, out))
        return true;
    for (const char *parent = domain_parent(normal); parent; parent = domain_parent(parent)) {
        key_start(&key, 's');
        key_put(&key, span_of(parent));
        if (find(set, &key, out))
            return true;
        key.bytes[0] = 'd';
        if (set->is_map && find(set, &key, out))
            return true;
    }
    return false;
}

bool access_set_has_name(const struct access_set *set, struct span name, struct access_match *out)
{
    char normal[DOMAIN_MAX];

    return (has_tag(set, 'd') || has_tag(set, 's')) && !domain_normal(name, normal) &&
           has_normal_name(set, normal, out);
}

static bool has_local(const struct access_set *set, struct span local, struct access_match *out)
{
    struct key key;

    key_start(&key, 'u');
    return local.len && has_tag(set, 'u') && key_put_lower(&key, local) && find(set, &key, out);
}

bool access_set_has_address(const struct access_set *set, const struct address *address, struct access_match *out)
{
    struct span local = address->local, bare = local;
    struct key key;

    key_start(&key, '0');
    if (!address->text.len)
        return find(set, &key, out);
    if (set->is_map)
        bare = span_first(local, span_find(local, '+'));
    if (has_tag(set, 'a') && address_key(local, address->domain, &key) && find(set, &key, out))
        return true;
    if (bare.len != local.len && has_tag(set, 'a') && address_key(bare, address->domain, &key) && find(set, &key, out))
        return true;
    if (address->domain.len && access_set_has_name(set, address->domain, out))
        return true;
    return has_local(set, local, out) || (bare.len != local.len && has_local(set, bare, out));
}

bool access_set_has_entry(const struct access_set *set, struct span entry, struct access_match *out)
{
    struct key key;

    return !entry_key(set->kind, entry, &key) && find(set, &key, out);
}
