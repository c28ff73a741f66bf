/* store/lmdb_pages.h - a file of LMDB 0.9, page by page, read as bytes that may be anything.
 *
 * LMDB itself trusts its file: a page that is not what it should be makes it read and write where it must not. So the
 * file is looked at in this way before LMDB is given it. Only pread() touches it: a part that is missing or that the
 * disk cannot read is a fault, not a signal. Threads: any.
 */
#ifndef STORE_LMDB_PAGES_H
#define STORE_LMDB_PAGES_H

#include "gateway/base/span.h"

enum { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_OVERFLOW = 4, NODE_BIG = 1, PAGE_BYTES_MAX = 32768 };

struct pages {
    int fd;
    size_t page_bytes;
    uint64_t count; /* of those that are in the file */
};

/* One of the two trees of the file, as its root page has it. */
struct pages_tree {
    uint64_t branches, leaves, overflows, entries, root; /* root UINT64_MAX: it is empty */
    unsigned depth;
};

struct pages_meta {
    struct pages_tree free, records;
    uint64_t last; /* page */
};

struct page {
    const char *bytes;
    size_t size;
    unsigned kind; /* PAGE_BRANCH or PAGE_LEAF */
    unsigned nodes;
};

struct node {
    struct span key, value; /* value: of a leaf */
    bool is_big;            /* it lies in pages of its own: pages_big() */
    uint64_t big_bytes;
    uint64_t child; /* page */
};

/* pages_open - NULL, or what is wrong with the first two pages. */
const char *pages_open(struct pages *pages, int fd, struct pages_meta *out);
/* pages_read - a page of a tree into `buffer` (page_bytes). False: it is none. */
bool pages_read(const struct pages *pages, uint64_t number, char *buffer, struct page *out);
bool page_node(const struct page *page, unsigned i, struct node *out);
/* pages_big - the value of a node that is big, into `buffer` of `size`; *used: how many pages it has. */
bool pages_big(const struct pages *pages, const struct node *node, char *buffer, size_t size, uint64_t *used);

#endif
