/* store/lmdb_record.c - a record and its entry in the index, as bytes. */
#include "gateway/store/lmdb_record.h"

enum { SUM_AT = 16 };

static uint32_t sum_add(uint64_t h, struct span bytes, uint64_t *out)
{
    uint64_t word;

    for (; bytes.len >= sizeof word; bytes = span_skip(bytes, sizeof word)) {
        memcpy(&word, bytes.ptr, sizeof word);
        h = (h ^ word) * 0x9e3779b97f4a7c15ULL;
        h ^= h >> 32;
    }
    word = bytes.len;
    for (size_t i = 0; i < bytes.len; i++)
        word = word << 8 | (uint8_t)bytes.ptr[i];
    h = (h ^ word) * 0x9e3779b97f4a7c15ULL;
    *out = h ^ h >> 32;
    return (uint32_t)*out;
}

static uint32_t sum_of(struct span key, struct span head, struct span value)
{
    uint64_t h = key.len * 1099511628211ULL + value.len;

    sum_add(h, head, &h);
    sum_add(h, key, &h);
    return sum_add(h, value, &h);
}

bool record_head_read(struct span kept, struct record_head *out)
{
    if (kept.len <= RECORD_HEAD_BYTES || kept.len > RECORD_HEAD_BYTES + STORE_VALUE_MAX)
        return false;
    memcpy(&out->expires_ms, kept.ptr, sizeof out->expires_ms);
    memcpy(&out->indexed_s, kept.ptr + 8, sizeof out->indexed_s);
    memcpy(&out->written_s, kept.ptr + 12, sizeof out->written_s);
    return true;
}

bool record_is_whole(struct span key, struct span kept)
{
    struct record_head head;
    uint32_t sum;

    if (!op_key_is_good(key) || !record_head_read(kept, &head))
        return false;
    memcpy(&sum, kept.ptr + SUM_AT, sizeof sum);
    return sum == sum_of(key, span_first(kept, SUM_AT), span_skip(kept, RECORD_HEAD_BYTES));
}

void record_write(char *out, const struct record_head *head, struct span key, struct span value)
{
    memcpy(out, &head->expires_ms, sizeof head->expires_ms);
    memcpy(out + 8, &head->indexed_s, sizeof head->indexed_s);
    memcpy(out + 12, &head->written_s, sizeof head->written_s);
    uint32_t sum = sum_of(key, span_make(out, SUM_AT), value);

    memcpy(out + SUM_AT, &sum, sizeof sum);
    memcpy(out + RECORD_HEAD_BYTES, value.ptr, value.len);
}

uint32_t record_index_second(int64_t expires_ms)
{
    if (expires_ms <= 0)
        return expires_ms ? 0 : UINT32_MAX;
    int64_t second = expires_ms / 1000 + (expires_ms % 1000 != 0);

    return second < UINT32_MAX ? (uint32_t)second : UINT32_MAX;
}

struct span record_index_key(char out[RECORD_INDEX_MAX], uint32_t second, struct span key)
{
    out[0] = '\0';
    for (unsigned i = 0; i < 4; i++)
        out[1 + i] = (char)(second >> (24 - 8 * i));
    memcpy(out + RECORD_INDEX_HEAD_BYTES, key.ptr, key.len);
    return span_make(out, RECORD_INDEX_HEAD_BYTES + key.len);
}

bool record_index_read(struct span entry, uint32_t *second, struct span *key)
{
    *second = 0;
    if (entry.len <= RECORD_INDEX_HEAD_BYTES || entry.len > RECORD_INDEX_MAX || entry.ptr[0] != '\0')
        return false;
    for (unsigned i = 0; i < 4; i++)
        *second = *second << 8 | (uint8_t)entry.ptr[1 + i];
    *key = span_skip(entry, RECORD_INDEX_HEAD_BYTES);
    return true;
}
