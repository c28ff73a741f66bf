/* base/ulid.h - the id of a message: 26 letters that sort by time, and that nobody can guess.
 *
 * 48 bits of milliseconds and 80 random bits in Crockford's base 32. Threads: any.
 */
#ifndef BASE_ULID_H
#define BASE_ULID_H

#include <stdint.h>

enum { ULID_SIZE = 27 }; /* with its NUL */

void ulid_make(int64_t wall_ms, char out[ULID_SIZE]);

#endif
