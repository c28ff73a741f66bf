/* base/utf8.h - is it UTF-8? [RFC3629] */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "gateway/base/span.h"

/* utf8_length - bytes of the well-formed character at the start of `s` (1 to 4); 0 when there is none. Overlong
 * forms, surrogates and code points above U+10FFFF are not well-formed [RFC3629 3]. */
size_t utf8_length(struct span s);
/* utf8_code_point - of the character at the start of `s`, of which `length` is utf8_length(). */
uint32_t utf8_code_point(struct span s, size_t length);
/* utf8_valid_length - how many bytes at the front are well-formed. utf8_is_valid - all of them; ASCII and the empty
 * text are. */
size_t utf8_valid_length(struct span s);
bool utf8_is_valid(struct span s);
/* ascii_length - how many bytes at the front are not above 0x7f. ascii_is_all - all of them. */
size_t ascii_length(struct span s);
bool ascii_is_all(struct span s);

#endif
