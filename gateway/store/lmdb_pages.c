/* store/lmdb_pages.c - a file of LMDB 0.9, page by page. */
#include "gateway/store/lmdb_pages.h"

#include <sys/stat.h>
#include <unistd.h>

enum {
    HEAD_BYTES = 16,     /* number (8), padding (2), flags (2), lower (2), upper (2); of overflows: how many (4) */
    NODE_HEAD_BYTES = 8, /* low, high, flags, length of the key: two bytes each */
    PAGE_DIRTY = 0x10,
    META_BYTES = 136,
    TREE_BYTES = 48,
    TREES_AT = 24,
    META_MAGIC = (int)0xBEEFC0DE,
    META_VERSION = 1,
    META_KIND = 8,
    LEAST_PAGE_BYTES = 256,
};

/* LMDB writes numbers as the machine has them; a page number is as long as a pointer. */
_Static_assert(sizeof(size_t) == 8, "the layout of a file is that of a 64-bit machine");

static uint16_t u16(const char *at)
{
    uint16_t n;

    memcpy(&n, at, sizeof n);
    return n;
}

static uint32_t u32(const char *at)
{
    uint32_t n;

    memcpy(&n, at, sizeof n);
    return n;
}

static uint64_t u64(const char *at)
{
    uint64_t n;

    memcpy(&n, at, sizeof n);
    return n;
}

static bool read_at(int fd, uint64_t at, char *out, size_t size)
{
    while (size) {
        ssize_t n = pread(fd, out, size, (off_t)at);

        if (n <= 0)
            return false;
        out += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return true;
}

/* ---- the root pages ---- */

static struct pages_tree tree_of(const char *at)
{
    return (struct pages_tree){ .depth = u16(at + 6),
                                .branches = u64(at + 8),
                                .leaves = u64(at + 16),
                                .overflows = u64(at + 24),
                                .entries = u64(at + 32),
                                .root = u64(at + 40) };
}

static bool is_meta(const char *page)
{
    return u16(page + 10) & META_KIND && u32(page + HEAD_BYTES) == (uint32_t)META_MAGIC &&
           u32(page + HEAD_BYTES + 4) == META_VERSION;
}

const char *pages_open(struct pages *pages, int fd, struct pages_meta *out)
{
    char first[HEAD_BYTES + META_BYTES], second[HEAD_BYTES + META_BYTES];
    struct stat file;

    *pages = (struct pages){ .fd = fd };
    if (fstat(fd, &file) || !read_at(fd, 0, first, sizeof first) || !is_meta(first))
        return "its first page is none of a store";
    pages->page_bytes = u32(first + HEAD_BYTES + TREES_AT);
    if (pages->page_bytes < LEAST_PAGE_BYTES || pages->page_bytes > PAGE_BYTES_MAX ||
        (pages->page_bytes & (pages->page_bytes - 1)))
        return "its pages have an impossible size";
    if (!read_at(fd, pages->page_bytes, second, sizeof second) || !is_meta(second))
        return "its second page is none of a store";
    const size_t end = HEAD_BYTES + TREES_AT + 2 * TREE_BYTES;
    const char *newer = u64(first + end + 8) < u64(second + end + 8) ? second : first;

    pages->count = (uint64_t)file.st_size / pages->page_bytes;
    out->free = tree_of(newer + HEAD_BYTES + TREES_AT);
    out->records = tree_of(newer + HEAD_BYTES + TREES_AT + TREE_BYTES);
    out->last = u64(newer + end);
    return NULL;
}

/* ---- pages of a tree ---- */

bool pages_read(const struct pages *pages, uint64_t number, char *buffer, struct page *out)
{
    if (number >= pages->count || !read_at(pages->fd, number * pages->page_bytes, buffer, pages->page_bytes))
        return false;
    unsigned kind = u16(buffer + 10) & ~(unsigned)PAGE_DIRTY, lower = u16(buffer + 12), upper = u16(buffer + 14);

    if (u64(buffer) != number || (kind != PAGE_BRANCH && kind != PAGE_LEAF))
        return false;
    if (lower <= HEAD_BYTES || lower % 2 || lower > upper || upper > pages->page_bytes)
        return false;
    *out = (struct page){ buffer, pages->page_bytes, kind, (lower - HEAD_BYTES) / 2 };
    return true;
}

bool page_node(const struct page *page, unsigned i, struct node *out)
{
    size_t at = u16(page->bytes + HEAD_BYTES + 2 * i), table_end = HEAD_BYTES + 2 * (size_t)page->nodes;

    if (at < table_end || at + NODE_HEAD_BYTES > page->size)
        return false;
    const char *node = page->bytes + at;
    size_t room = page->size - at - NODE_HEAD_BYTES, key_len = u16(node + 6);
    uint64_t low = u16(node) | (uint64_t)u16(node + 2) << 16;
    unsigned flags = u16(node + 4);

    if (key_len > room)
        return false;
    *out = (struct node){ .key = span_make(node + NODE_HEAD_BYTES, key_len) };
    if (page->kind == PAGE_BRANCH) {
        out->child = low | (uint64_t)flags << 32;
        return true;
    }
    out->is_big = flags == NODE_BIG;
    if ((flags && flags != NODE_BIG) || (out->is_big ? sizeof(uint64_t) : low) > room - key_len)
        return false;
    out->value = span_make(node + NODE_HEAD_BYTES + key_len, out->is_big ? sizeof(uint64_t) : low);
    out->big_bytes = low;
    out->child = out->is_big ? u64(out->value.ptr) : 0;
    return true;
}

bool pages_big(const struct pages *pages, const struct node *node, char *buffer, size_t size, uint64_t *used)
{
    char head[HEAD_BYTES];
    uint64_t needed = (node->big_bytes + HEAD_BYTES + pages->page_bytes - 1) / pages->page_bytes;

    if (node->big_bytes > size || node->child >= pages->count || needed > pages->count - node->child)
        return false;
    if (!read_at(pages->fd, node->child * pages->page_bytes, head, sizeof head) || u64(head) != node->child ||
        (u16(head + 10) & ~(unsigned)PAGE_DIRTY) != PAGE_OVERFLOW || u32(head + 12) < needed)
        return false;
    *used = u32(head + 12);
    return read_at(pages->fd, node->child * pages->page_bytes + HEAD_BYTES, buffer, node->big_bytes);
}
