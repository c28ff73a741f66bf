/* store/lmdb_record.h - a record and its entry in the index of expiries, as bytes of the embedded store's file.
 *
 * A record: when it expires (8 bytes, little-endian, milliseconds), under which second it stands in the index (4), the
 * second in which it was written (4: of two versions the newer one), a check sum of all of it and its key (4), its
 * value. Threads: any.
 */
#ifndef STORE_LMDB_RECORD_H
#define STORE_LMDB_RECORD_H

#include "gateway/store/op.h"

enum {
    RECORD_HEAD_BYTES = 20,
    RECORD_INDEX_HEAD_BYTES = 5,
    RECORD_INDEX_MAX = RECORD_INDEX_HEAD_BYTES + STORE_KEY_MAX
};

struct record_head {
    int64_t expires_ms; /* 0: never */
    uint32_t indexed_s, written_s;
};

/* record_head_read - false: too short or too long for a record. record_is_whole - the check sum, too. */
bool record_head_read(struct span kept, struct record_head *out);
bool record_is_whole(struct span key, struct span kept);
/* record_write - RECORD_HEAD_BYTES and the value to `out`. */
void record_write(char *out, const struct record_head *head, struct span key, struct span value);

/* record_index_second - the first second in which it has expired; for one that never does, the last there is. */
uint32_t record_index_second(int64_t expires_ms);
struct span record_index_key(char out[RECORD_INDEX_MAX], uint32_t second, struct span key);
/* record_index_read - false: no entry of the index. */
bool record_index_read(struct span entry, uint32_t *second, struct span *key);

#endif
