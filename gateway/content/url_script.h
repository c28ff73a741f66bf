/* content/url_script.h - which scripts a host name is written in, and whether it looks like another one [UTS39].
 *
 * Pure functions.
 */
#ifndef CONTENT_URL_SCRIPT_H
#define CONTENT_URL_SCRIPT_H

#include "gateway/base/span.h"

enum script {
    SCRIPT_COMMON, /* digits, hyphen, marks: of any script */
    SCRIPT_LATIN,
    SCRIPT_GREEK,
    SCRIPT_CYRILLIC,
    SCRIPT_ARMENIAN,
    SCRIPT_HEBREW,
    SCRIPT_ARABIC,
    SCRIPT_DEVANAGARI,
    SCRIPT_THAI,
    SCRIPT_GEORGIAN,
    SCRIPT_HANGUL,
    SCRIPT_CHEROKEE,
    SCRIPT_HIRAGANA,
    SCRIPT_KATAKANA,
    SCRIPT_BOPOMOFO,
    SCRIPT_HAN,
    SCRIPT_OTHER, /* any that has no row of its own */
};

/* script_of - a character's. */
enum script script_of(uint32_t code);
/* script_twin - the ASCII character that this one is taken for; 0: for none. ASCII itself is its own. */
char script_twin(uint32_t code);

/* script_flags - URL_MIXED_SCRIPT, URL_HOMOGRAPH of a host name in U-labels (valid UTF-8, lower case). Scripts that
 * are written together (Han, kana and Latin; Han, Hangul and Latin) are not mixed [UTS39 5.2, highly restrictive]. */
unsigned script_flags(struct span host);

#endif
