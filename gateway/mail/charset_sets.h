/* mail/charset_sets.h - the charsets that we know, and what they are called: a part of charset.c. */
#ifndef MAIL_CHARSET_SETS_H
#define MAIL_CHARSET_SETS_H

#include "gateway/base/span.h"

enum charset_id {
    SET_UTF_8,
    SET_IBM866,
    SET_ISO_8859_2,
    SET_ISO_8859_3,
    SET_ISO_8859_4,
    SET_ISO_8859_5,
    SET_ISO_8859_6,
    SET_ISO_8859_7,
    SET_ISO_8859_8,
    SET_ISO_8859_10,
    SET_ISO_8859_13,
    SET_ISO_8859_14,
    SET_ISO_8859_15,
    SET_ISO_8859_16,
    SET_KOI8_R,
    SET_KOI8_U,
    SET_MACINTOSH,
    SET_WINDOWS_874,
    SET_WINDOWS_1250,
    SET_WINDOWS_1251,
    SET_WINDOWS_1252,
    SET_US_ASCII,
    SET_WINDOWS_1253,
    SET_WINDOWS_1254,
    SET_WINDOWS_1255,
    SET_WINDOWS_1256,
    SET_WINDOWS_1257,
    SET_WINDOWS_1258,
    SET_X_MAC_CYRILLIC,
    SET_GB18030,
    SET_BIG5_HKSCS,
    SET_EUC_JP_MS,
    SET_ISO_2022_JP,
    SET_CP932,
    SET_CP949,
    SET_UTF_16BE,
    SET_UTF_16LE,
    SET_UTF_16,
    SET_ISO_2022_KR,
    SET_ISO_2022_CN,
    SET_HZ,
    SET_UTF_7,
    SET_UTF_32,
    SET_UTF_32BE,
    SET_UTF_32LE,
    SET_CP437,
    SET_CP737,
    SET_CP775,
    SET_CP850,
    SET_CP852,
    SET_CP855,
    SET_CP857,
    SET_CP858,
    SET_CP860,
    SET_CP861,
    SET_CP862,
    SET_CP863,
    SET_CP864,
    SET_CP865,
    SET_CP869,
    SET_CP1125,
    SET_EUC_TW,
    SET_JOHAB,
    SET_VISCII,
    SET_TCVN5712_1,
    SET_KOI8_T,
    SET_ARMSCII_8,
    SET_GEORGIAN_PS,
    SET_PTCP154,
    SET_HP_ROMAN8,
    SET_MAC_CENTRALEUROPE,
    SET_IBM037,
    SET_IBM273,
    SET_IBM500,
    SET_IBM1026,
    SET_IBM1047,
    SET_IBM1140,
    SET_COUNT,
    SET_UNKNOWN = SET_COUNT
};

enum charset_kind {
    KIND_UTF8,
    KIND_ASCII,    /* no charset at all, in effect: what is not ASCII is guessed */
    KIND_SINGLE,   /* a byte is a character: `index` */
    KIND_MULTI,    /* iconv; one byte or two (seldom more), of which the first is above 0x7f */
    KIND_ICONV,    /* iconv; a byte is a character */
    KIND_STATEFUL, /* iconv; escape sequences */
    KIND_EBCDIC,   /* iconv; no byte is that of ASCII */
    KIND_ISO2022JP,
    KIND_ISO2022KR,
    KIND_HZ,
    KIND_UTF7,
    KIND_UTF16, /* without byte order mark: whatever the text looks like */
    KIND_UTF16BE,
    KIND_UTF16LE,
    KIND_UTF32,
    KIND_UTF32BE,
    KIND_UTF32LE,
};

struct charset_set {
    const char *name; /* in iconv's words, lower case */
    enum charset_kind kind;
    const uint16_t *index; /* of bytes 0x80 to 0xff; 0xfffd: none */
};

enum { CHARSET_LABEL_MAX = 40 };

extern const struct charset_set charset_sets[SET_COUNT];

/* charset_find - by its label, in any case; SET_UNKNOWN. */
enum charset_id charset_find(struct span label);

#endif
