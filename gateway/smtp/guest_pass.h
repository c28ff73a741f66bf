/* smtp/guest_pass.h - why a client need not wait for our greeting, as it stands in the state store: "waited
 * 1763900000000" or "good 1763900000000", and since when. Whoever may write there may have put anything in its place.
 *
 * Pure.
 */
#ifndef SMTP_GUEST_PASS_H
#define SMTP_GUEST_PASS_H

#include "gateway/base/span.h"

/* It waited lately, or its mail was taken. */
enum guest_pass { GUEST_NO_PASS, GUEST_WAITED, GUEST_GOOD };

enum { GUEST_PASS_MAX = 40 };

struct guest_record {
    enum guest_pass pass;
    int64_t since_wall_ms; /* 0: not told */
};

/* guest_record_read - what is no pass is GUEST_NO_PASS. */
struct guest_record guest_record_read(struct span value);
/* guest_record_text - into `out` (GUEST_PASS_MAX), which it returns. */
const char *guest_record_text(const struct guest_record *record, char *out);

#endif
