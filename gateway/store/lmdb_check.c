/* store/lmdb_check.c - is the embedded store's file whole? */
#include "gateway/store/lmdb_check.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "gateway/base/bug.h"
#include "gateway/store/lmdb_pages.h"

enum { DEPTH_MOST = 32, SPARE_PAGES_MOST = 65536, KEPT_MAX = RECORD_HEAD_BYTES + STORE_VALUE_MAX, KEY_MAX = 511 };

struct bound {
    char bytes[KEY_MAX];
    size_t len;
    bool is_set;
};

struct check {
    struct pages pages;
    struct pages_meta meta;
    uint8_t *seen; /* a bit per page */
    const struct pages_tree *tree;
    bool is_free;
    struct pages_tree found;
    struct bound last;                               /* the key of a leaf that was looked at last */
    struct bound least;                              /* which the next one must not be below */
    uint64_t records, index, records_sum, index_sum; /* must be equal */
};

/* ---- keys ---- */

static int compare(const struct check *c, struct span a, struct span b)
{
    if (c->is_free) { /* numbers of transactions */
        uint64_t x, y;

        memcpy(&x, a.ptr, sizeof x);
        memcpy(&y, b.ptr, sizeof y);
        return x < y ? -1 : x > y;
    }
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static bool is_key(const struct check *c, struct span key)
{
    return c->is_free ? key.len == sizeof(uint64_t) : key.len > 0 && key.len <= KEY_MAX;
}

static void bound_set(struct bound *bound, struct span key)
{
    memcpy(bound->bytes, key.ptr, key.len);
    bound->len = key.len;
    bound->is_set = true;
}

static struct span bound_key(const struct bound *bound)
{
    return span_make(bound->bytes, bound->len);
}

/* In order behind the key before it, of the whole tree. */
static bool follows(struct check *c, struct span key)
{
    if (!is_key(c, key) || (c->last.is_set && compare(c, bound_key(&c->last), key) >= 0))
        return false;
    if (c->least.is_set && compare(c, bound_key(&c->least), key) > 0)
        return false;
    c->least.is_set = false;
    bound_set(&c->last, key);
    return true;
}

/* ---- pages ---- */

static bool see(struct check *c, uint64_t number, uint64_t count)
{
    for (; count; number++, count--) {
        if (number < 2 || number > c->meta.last || c->seen[number / 8] & 1 << number % 8)
            return false;
        c->seen[number / 8] |= (uint8_t)(1 << number % 8);
    }
    return true;
}

/* The pages that a transaction freed: how many, and their numbers. */
static bool see_freed(struct check *c, struct span list)
{
    uint64_t count, number;

    if (list.len < sizeof count)
        return false;
    memcpy(&count, list.ptr, sizeof count);
    if (count > list.len / sizeof number - 1)
        return false;
    for (uint64_t i = 1; i <= count; i++) {
        memcpy(&number, list.ptr + i * sizeof number, sizeof number);
        if (!see(c, number, 1))
            return false;
    }
    return true;
}

static uint64_t mix(uint32_t second, struct span key)
{
    uint64_t h = 14695981039346656037ULL ^ second;

    for (size_t i = 0; i < key.len; i++)
        h = (h ^ (uint8_t)key.ptr[i]) * 1099511628211ULL;
    return h;
}

static bool check_kept(struct check *c, struct span key, struct span kept)
{
    struct record_head head;
    struct span name;
    uint32_t second;

    if (record_index_read(key, &second, &name)) {
        c->index++;
        c->index_sum += mix(second, name);
        return kept.len == 0;
    }
    if (!record_is_whole(key, kept) || !record_head_read(kept, &head))
        return false;
    c->records++;
    c->records_sum += mix(head.indexed_s, key);
    return true;
}

static bool check_value(struct check *c, const struct node *node)
{
    uint64_t used = 0;

    if (!node->is_big)
        return c->is_free ? see_freed(c, node->value) : check_kept(c, node->key, node->value);
    if (node->big_bytes > (c->is_free ? (c->meta.last + 2) * sizeof(uint64_t) : KEPT_MAX))
        return false;
    char *value = mem_alloc(node->big_bytes + 1);
    struct span whole = span_make(value, node->big_bytes);
    bool is_good = pages_big(&c->pages, node, value, node->big_bytes, &used) && see(c, node->child, used) &&
                   (c->is_free ? see_freed(c, whole) : check_kept(c, node->key, whole));

    c->found.overflows += used;
    free(value);
    return is_good;
}

static bool check_leaf(struct check *c, const struct page *page)
{
    struct node node;

    c->found.leaves++;
    c->found.entries += page->nodes;
    for (unsigned i = 0; i < page->nodes; i++)
        if (!page_node(page, i, &node) || !follows(c, node.key) || !check_value(c, &node))
            return false;
    return true;
}

static bool check_page(struct check *c, uint64_t number, unsigned depth);

/* The key of a branch, but for the first, is above all that is before it and not above what is behind it. */
static bool check_branch(struct check *c, const struct page *page, unsigned depth)
{
    struct node node;

    c->found.branches++;
    for (unsigned i = 0; i < page->nodes; i++) {
        if (!page_node(page, i, &node))
            return false;
        if (i && (!is_key(c, node.key) || !c->last.is_set || compare(c, bound_key(&c->last), node.key) >= 0))
            return false;
        if (i)
            bound_set(&c->least, node.key);
        if (!check_page(c, node.child, depth + 1))
            return false;
    }
    return true;
}

static bool check_page(struct check *c, uint64_t number, unsigned depth)
{
    char *buffer;
    struct page page;
    bool is_good;

    if (depth > c->tree->depth || !see(c, number, 1))
        return false;
    buffer = mem_alloc(c->pages.page_bytes);
    is_good = pages_read(&c->pages, number, buffer, &page);
    if (is_good && page.kind == PAGE_LEAF)
        is_good = depth == c->tree->depth && check_leaf(c, &page);
    else if (is_good)
        is_good = check_branch(c, &page, depth);
    free(buffer);
    return is_good;
}

static bool check_tree(struct check *c, const struct pages_tree *tree, bool is_free)
{
    const struct pages_tree *found = &c->found;

    c->tree = tree;
    c->is_free = is_free;
    c->last.is_set = c->least.is_set = false;
    c->found = (struct pages_tree){ .root = tree->root };
    if (tree->root == UINT64_MAX)
        return tree->entries == 0;
    if (!tree->depth || tree->depth > DEPTH_MOST || !check_page(c, tree->root, 1))
        return false;
    return found->branches == tree->branches && found->leaves == tree->leaves && found->overflows == tree->overflows &&
           found->entries == tree->entries;
}

const char *lmdb_check(int fd)
{
    struct check c = { .records = 0 };
    struct stat file;

    if (!fstat(fd, &file) && file.st_size == 0)
        return NULL;
    const char *wrong = pages_open(&c.pages, fd, &c.meta);

    if (wrong)
        return wrong;
    if (c.meta.last < 1 || c.meta.last > c.pages.count + SPARE_PAGES_MOST)
        return "it has been cut off";
    c.seen = mem_alloc(c.meta.last / 8 + 1);
    if (!check_tree(&c, &c.meta.records, false))
        wrong = "its records are not in order";
    else if (!check_tree(&c, &c.meta.free, true))
        wrong = "its list of free pages is not in order";
    else if (c.records != c.index || c.records_sum != c.index_sum)
        wrong = "its index does not fit its records";
    free(c.seen);
    return wrong;
}

/* ---- what can be read ---- */

static bool give_record(const struct pages *pages, const struct node *node, lmdb_salvage_fn *fn, void *arg)
{
    char big[KEPT_MAX];
    struct span kept = node->value;
    struct record_head head;
    uint64_t used;

    if (node->is_big) {
        if (!pages_big(pages, node, big, sizeof big, &used))
            return true;
        kept = span_make(big, node->big_bytes);
    }
    if (!record_is_whole(node->key, kept) || !record_head_read(kept, &head))
        return true;
    return fn(arg, node->key, &head, span_skip(kept, RECORD_HEAD_BYTES));
}

void lmdb_salvage(int fd, lmdb_salvage_fn *fn, void *arg)
{
    struct pages pages;
    struct pages_meta meta;
    struct page page;
    struct node node;
    char buffer[PAGE_BYTES_MAX];
    bool goes_on = true;

    if (pages_open(&pages, fd, &meta)) { /* the records may be whole nevertheless */
        struct stat file;

        if (fstat(fd, &file))
            return;
        pages = (struct pages){ .fd = fd, .page_bytes = 4096, .count = (uint64_t)file.st_size / 4096 };
    }
    for (uint64_t number = 2; goes_on && number < pages.count; number++) {
        if (!pages_read(&pages, number, buffer, &page) || page.kind != PAGE_LEAF)
            continue;
        for (unsigned i = 0; goes_on && i < page.nodes; i++)
            if (page_node(&page, i, &node))
                goes_on = give_record(&pages, &node, fn, arg);
    }
}
