/* mail/picker.h - which header fields a signature means: for each name in h= the lowest field of that name that it has
 * not named before [RFC6376 5.4.2].
 *
 * The index is made once for all signatures of a message, and finds a name without looking at all fields: a hostile
 * message can have thousands of both.
 */
#ifndef MAIL_PICKER_H
#define MAIL_PICKER_H

#include "gateway/mail/header.h"

struct picker;

/* picker_new - over `header`, which must outlive it; in `a`. */
struct picker *picker_new(struct arena *a, const struct header_index *header);
/* picker_restart - before each signature. */
void picker_restart(struct picker *p);
/* picker_next - the next field upwards of that name, without case; NULL when there is no further one. */
const struct header_field *picker_next(struct picker *p, struct span name);

#endif
