/* cli/rates.h - what `postern rates` knows of a bucket, and how it says it. */
#ifndef CLI_RATES_H
#define CLI_RATES_H

#include "gateway/store/op.h"
#include "policy/rates_take.h"

/* A bucket as it stands now. */
struct rates_row {
    struct span key; /* without the store's "r:" */
    struct rates_name name;
    const struct rates_limit *limit; /* both NULL: not in the configuration any more */
    const struct rates_window *window;
    struct store_rate_state state;
    double capacity, filled; /* of the capacity, 0 to 1 and more */
    int64_t retry_ms;        /* until there is room for one more; 0: there is */
    bool is_limited;         /* it has no room, or had none lately for something larger, or as fast as it came */
};

/* rates_row_make - false: it is no bucket's record. */
bool rates_row_make(struct rates_row *row, struct span key, struct span value, int64_t now_ms,
                    const struct rates_conf *at_rcpt, const struct rates_conf *at_message);
/* rates_row_compare - the fullest first, for qsort(). */
int rates_row_compare(const void *a, const void *b);

/* To standard output. */
void rates_print_list(const struct rates_row *rows, size_t count);
void rates_print_row(const struct rates_row *row, int64_t now_ms);
void rates_print_emptied(const struct rates_row *row);
void rates_print_json(const struct rates_row *rows, size_t count);

#endif
