/* base/crc32c.c - the checksum of iSCSI, bit by bit: headers of a few hundred bytes need no table. */
#include "gateway/base/crc32c.h"

enum { BITS = 8 };

uint32_t crc32c(uint32_t before, struct span bytes)
{
    const uint32_t polynomial = 0x82f63b78; /* reflected */
    uint32_t crc = ~before;

    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (unsigned char)bytes.ptr[i];
        for (int bit = 0; bit < BITS; bit++)
            crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
    }
    return ~crc;
}
