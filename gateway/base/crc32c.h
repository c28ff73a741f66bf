/* base/crc32c.h - the checksum of iSCSI [RFC3720 B.4], which the PROXY protocol uses, too. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include "gateway/base/span.h"

enum { CRC32C_START = 0 };

/* crc32c - goes on from the checksum of what came before; CRC32C_START at first. */
uint32_t crc32c(uint32_t before, struct span bytes);

#endif
