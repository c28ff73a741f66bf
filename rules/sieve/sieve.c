/* rules/sieve/sieve.c - which patterns may match a text: Hyperscan's databases, their file, and the pass over a text.
 *
 * The file: a head, then for each group its numbers, its database and the patterns that it leaves out, then the SHA-256
 * of all that. Numbers are the processor's own: the key binds a file to the kind of machine. It lies in a folder of
 * ours, and what is checked here is damage, not an enemy who can write there: he could write a valid file.
 */
#include "rules/sieve/sieve.h"

#include <hs/hs.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/mail/crypto.h"

static const char magic[8] = "PSTSIEV2";

enum { GROUPS_MAX = 10000 };

struct head {
    char magic[8];
    unsigned char key[SIEVE_KEY_BYTES];
    uint64_t bytes; /* of the file */
    uint32_t groups, patterns;
};

struct group_head {
    uint32_t index, always_count;
    uint64_t database_bytes, beginnings_bytes;
};

struct loaded {
    hs_database_t *database;
    uint32_t *always;
    size_t always_count;
    struct beginnings_table *tables;
    size_t table_count;
};

struct sieve {
    struct loaded *groups; /* by index; those without a database let everything through */
    size_t group_count;
    size_t patterns;
    struct sieve_start *starts; /* by pattern */
};

/* Of a pattern, before its beginnings. */
struct beginnings_head {
    uint32_t pattern, count;
};

static void digest_of(struct span bytes, unsigned char out[HASH_BYTES_MAX])
{
    struct crypto *c = crypto_here();

    crypto_hash_start(c, HASH_SHA256);
    crypto_hash_put(c, bytes);
    crypto_hash_end(c, out);
}

/* ---- writing ---- */

void sieve_write(const unsigned char key[SIEVE_KEY_BYTES], const struct sieve_group *groups, size_t count,
                 size_t patterns, struct strbuf *out)
{
    struct head head = { .groups = (uint32_t)count, .patterns = (uint32_t)patterns };
    unsigned char digest[HASH_BYTES_MAX];

    memcpy(head.magic, magic, sizeof magic);
    memcpy(head.key, key, sizeof head.key);
    head.bytes = sizeof head + sizeof digest;
    for (size_t i = 0; i < count; i++)
        head.bytes += sizeof(struct group_head) + groups[i].database.len + groups[i].always_count * sizeof(uint32_t) +
                      groups[i].beginnings.len;
    strbuf_put(out, span_make((const char *)&head, sizeof head));
    for (size_t i = 0; i < count; i++) {
        const struct sieve_group *g = &groups[i];
        struct group_head one = { g->index, (uint32_t)g->always_count, g->database.len, g->beginnings.len };

        strbuf_put(out, span_make((const char *)&one, sizeof one));
        strbuf_put(out, g->database);
        strbuf_put(out, span_make((const char *)g->always, g->always_count * sizeof(uint32_t)));
        strbuf_put(out, g->beginnings);
    }
    digest_of(strbuf_span(out), digest);
    strbuf_put(out, span_make((const char *)digest, sizeof digest));
}

void sieve_put_beginnings(struct strbuf *out, uint32_t pattern, const struct beginnings *these)
{
    struct beginnings_head head = { pattern, (uint32_t)these->count };

    strbuf_put(out, span_make((const char *)&head, sizeof head));
    strbuf_put(out, span_make((const char *)these->items, these->count * sizeof these->items[0]));
}

/* ---- loading ---- */

static bool take(struct span *rest, void *out, size_t bytes)
{
    if (rest->len < bytes)
        return false;
    memcpy(out, rest->ptr, bytes);
    *rest = span_skip(*rest, bytes);
    return true;
}

static const char *wrong_head(struct span file, const unsigned char *key, size_t patterns, struct head *head)
{
    struct span rest = file;
    unsigned char digest[HASH_BYTES_MAX];

    if (!take(&rest, head, sizeof *head) || memcmp(head->magic, magic, sizeof magic) != 0)
        return "it is no such file";
    if (memcmp(head->key, key, SIEVE_KEY_BYTES) != 0)
        return "it is of other rules, or for another machine";
    if (head->bytes != file.len || head->groups > GROUPS_MAX || head->patterns != patterns ||
        file.len < sizeof *head + sizeof digest)
        return "its length is wrong";
    digest_of(span_first(file, file.len - sizeof digest), digest);
    if (memcmp(digest, file.ptr + file.len - sizeof digest, sizeof digest) != 0)
        return "its checksum is wrong";
    return NULL;
}

static const char *load_beginnings(struct sieve *s, struct loaded *g, struct span bytes)
{
    /* each table has more than half of its room in use, but for the last */
    size_t most = bytes.len / sizeof(struct beginning) / (BEGINNINGS_TOGETHER_MAX - BEGINNINGS_MAX) + 1;
    struct beginnings_head head;
    struct beginnings these;

    g->tables = bytes.len ? mem_alloc(most * sizeof *g->tables) : NULL;
    g->table_count = bytes.len != 0;
    while (bytes.len) {
        if (!take(&bytes, &head, sizeof head) || head.pattern >= s->patterns || head.count > BEGINNINGS_MAX ||
            !take(&bytes, these.items, head.count * sizeof these.items[0]))
            return "beginnings of it are wrong";
        struct sieve_start *start = &s->starts[head.pattern];

        these.count = head.count;
        start->bits = beginnings_add(&g->tables[g->table_count - 1], &these);
        if (!start->bits && g->table_count < most)
            start->bits = beginnings_add(&g->tables[g->table_count++], &these);
        start->table = g->table_count - 1;
    }
    return NULL;
}

static const char *load_group(struct sieve *s, struct span *rest)
{
    struct group_head head;

    if (!take(rest, &head, sizeof head) || head.index >= s->group_count || head.database_bytes > rest->len ||
        s->groups[head.index].database)
        return "a group of it is wrong";
    struct loaded *g = &s->groups[head.index];

    if (hs_deserialize_database(rest->ptr, head.database_bytes, &g->database) != HS_SUCCESS)
        return "Hyperscan does not take a database of it";
    *rest = span_skip(*rest, head.database_bytes);
    g->always_count = head.always_count;
    if (g->always_count > s->patterns)
        return "a group of it has too many patterns";
    g->always = mem_alloc(g->always_count * sizeof *g->always + 1);
    if (!take(rest, g->always, g->always_count * sizeof *g->always))
        return "a group of it is cut";
    for (size_t i = 0; i < g->always_count; i++)
        if (g->always[i] >= s->patterns)
            return "it names a pattern that there is not";
    if (head.beginnings_bytes > rest->len)
        return "a group of it is cut";
    struct span beginnings = span_first(*rest, head.beginnings_bytes);

    *rest = span_skip(*rest, head.beginnings_bytes);
    return load_beginnings(s, g, beginnings);
}

struct sieve *sieve_load(struct span file, const unsigned char key[SIEVE_KEY_BYTES], size_t patterns,
                         const char **wrong)
{
    struct head head;

    *wrong = wrong_head(file, key, patterns, &head);
    if (*wrong)
        return NULL;
    struct sieve *s = mem_alloc(sizeof *s);
    struct span rest = span_skip(span_first(file, file.len - HASH_BYTES_MAX), sizeof head);

    s->patterns = patterns;
    s->group_count = GROUPS_MAX;
    s->groups = mem_alloc(s->group_count * sizeof *s->groups);
    s->starts = mem_alloc((patterns + 1) * sizeof *s->starts);
    for (size_t i = 0; !*wrong && i < head.groups; i++)
        *wrong = load_group(s, &rest);
    if (!*wrong)
        return s;
    sieve_free(s);
    return NULL;
}

void sieve_free(struct sieve *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->group_count; i++) {
        hs_free_database(s->groups[i].database);
        free(s->groups[i].always);
        free(s->groups[i].tables);
    }
    free(s->groups);
    free(s->starts);
    free(s);
}

/* ---- scanning ---- */

struct sifting {
    uint32_t *maybe;
    size_t patterns;
    uint32_t bits;
};

static int note(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg)
{
    const struct sifting *sifting = arg;

    (void)from, (void)to, (void)flags;
    if (id < sifting->patterns)
        sifting->maybe[id] |= sifting->bits;
    return 0;
}

/* One that is large enough for all groups. */
static bool make_scratch(const struct sieve *s, hs_scratch_t **scratch)
{
    for (size_t i = 0; i < s->group_count; i++)
        if (s->groups[i].database && hs_alloc_scratch(s->groups[i].database, scratch) != HS_SUCCESS) {
            sieve_scratch_free(*scratch);
            *scratch = NULL;
            return false;
        }
    return *scratch;
}

bool sieve_scan(const struct sieve *s, unsigned group, struct span text, struct hs_scratch **scratch, uint32_t bits,
                uint32_t *maybe)
{
    const struct loaded *g = group < s->group_count ? &s->groups[group] : NULL;
    struct sifting sifting = { maybe, s->patterns, bits };

    if (!g || !g->database || text.len > UINT32_MAX || (!*scratch && !make_scratch(s, scratch)))
        return false;
    for (size_t i = 0; i < g->always_count; i++)
        maybe[g->always[i]] |= bits;
    return hs_scan(g->database, text.ptr ? text.ptr : "", (unsigned)text.len, 0, *scratch, note, &sifting) ==
           HS_SUCCESS;
}

const struct beginnings_table *sieve_tables(const struct sieve *s, unsigned group, size_t *count)
{
    *count = group < s->group_count ? s->groups[group].table_count : 0;
    return *count ? s->groups[group].tables : NULL;
}

struct sieve_start sieve_start(const struct sieve *s, uint32_t pattern)
{
    return s->starts[pattern];
}

void sieve_scratch_free(struct hs_scratch *scratch)
{
    hs_free_scratch(scratch);
}
