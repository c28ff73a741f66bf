/* mail/charset.h - text of any charset as UTF-8, with the fall-backs of browsers.
 *
 * Labels are read as browsers read them (iso-8859-1 is windows-1252, gb2312 is gb18030, ks_c_5601-1987 is cp949, ...),
 * and those that only mail has besides (utf-7, iso-2022-kr, hz-gb-2312, ibm037, ...). Bytes that the charset does
 * not have become U+FFFD; the result is always valid UTF-8.
 *
 * Text without a label, with an unknown one or with us-ascii's is guessed where it is not ASCII: UTF-8 if it is valid
 * UTF-8, ISO-2022-JP by its escapes, else windows-1252. A byte order mark comes before the label where the text bears
 * it out: the rest is valid UTF-8, or has the NULs of UTF-16. (A mark alone would let three letters of windows-1251
 * hide a text from us that readers who go by the label can read.)
 *
 * Threads: any; a converter of the C library is opened for each text that needs one (half a microsecond once it is
 * loaded). Memory: the result lies in `a`, or is a part of `text` itself when there is nothing to convert.
 */
#ifndef MAIL_CHARSET_H
#define MAIL_CHARSET_H

#include "gateway/base/arena.h"

enum charset_flaw {
    CHARSET_UNKNOWN = 1 << 0, /* no such label */
    CHARSET_INVALID = 1 << 1, /* bytes that it does not have */
    CHARSET_BOM = 1 << 2,     /* a byte order mark said something else than the label */
    CHARSET_CUT = 1 << 3,     /* the result would be longer than `most`: its beginning */
};

/* charset_utf8 - at most `most` bytes of result; a byte order mark is not part of it. */
struct span charset_utf8(struct arena *a, struct span label, struct span text, size_t most, unsigned *flaws);
/* charset_hides_ascii - whether letters of ASCII may be something else in it, as in UTF-7, UTF-16, EBCDIC or HZ:
 * readers that lack it show them as they are. */
bool charset_hides_ascii(struct span label);
/* charset_name - the label in iconv's words, lower case; NULL: unknown. */
const char *charset_name(struct span label);

#endif
