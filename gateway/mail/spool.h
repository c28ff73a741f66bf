/* mail/spool.h - where a message's bytes gather: memory first, then an unlinked file in `directory`. */
#ifndef MAIL_SPOOL_H
#define MAIL_SPOOL_H

#include "gateway/base/span.h"

struct spool;

/* spool_new - `directory` is borrowed and must outlive it. */
struct spool *spool_new(const char *directory, size_t memory_most_bytes, size_t size_most_bytes);
void spool_free(struct spool *s); /* NULL is fine */
/* spool_hold - one more owner, who calls spool_free(), too; it goes with the last one. Returns `s`. Owners are of one
 * thread. */
struct spool *spool_hold(struct spool *s);
/* spool_put - FAULT_FULL beyond size_most_bytes, FAULT_IO (disk full and the like; errno). After a fault the spool
 * counts on (spool_bytes) but takes nothing more, and after FAULT_IO keeps nothing. */
enum fault spool_put(struct spool *s, struct span bytes);
size_t spool_bytes(const struct spool *s);
bool spool_is_file(const struct spool *s);
/* spool_seal - no more is put; all bytes in one piece (mapped when in a file), until spool_free(). FAULT_IO. */
enum fault spool_seal(struct spool *s, struct span *out);
/* spool_cut - after FAULT_FULL: what had come before stands for the whole, and can be sealed. */
void spool_cut(struct spool *s);

#endif
