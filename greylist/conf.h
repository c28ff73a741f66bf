/* greylist/conf.h - what the operator says of greylisting, and the lists that were read for it.
 *
 * The section `check "greylist"` speaks for both rows: "greylist_message" finds it in the evidence that "greylist"
 * left. Threads: the loop's; upkeep changes the lists.
 */
#ifndef GREYLIST_CONF_H
#define GREYLIST_CONF_H

#include "gateway/conf/conf.h"
#include "greylist/exempt.h"

enum greylist_when { GREYLIST_WHEN_NEVER, GREYLIST_WHEN_SUSPICIOUS, GREYLIST_WHEN_ALWAYS };

/* The entries of one key, and the files of another. */
struct exempt_lists {
    struct exempt *own;
    struct access_file *files;
    size_t file_count;
};

struct greylist_lists {
    struct exempt_lists clients, recipients;
};

struct greylist_conf {
    int when; /* enum greylist_when */
    int suspicious;
    int64_t delay_ms, window_ms, life_ms;
    int64_t passes, pass_gap_ms;
    int64_t ip4_bits, ip6_bits;
    bool by_domain;
    int64_t partners_ms;
    bool is_private;
    const char *text;
    struct conf_nets skip;
    struct conf_strs clients, recipients;
    struct conf_strs clients_files, recipients_files;
    struct conf_strs symbols;
    struct greylist_lists *lists; /* state, from open() to close() */
};

extern const struct conf_section greylist_section;

/* The module's open(), close() and upkeep(), as check.h says. */
const char *greylist_open(struct arena *a, void *values);
void greylist_close(void *values);
struct inquiry;
void greylist_read_files(struct inquiry *q);

#endif
