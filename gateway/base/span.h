/* base/span.h - bytes of somebody else's: a pointer and a length.
 *
 * Everything that comes from outside is a span, never a C string: it may hold NUL. A span owns nothing; it lives
 * as long as what it points into. All functions are pure. "i" in a name means: ASCII letters compare without case.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gateway/base/fault.h"

struct span {
    const char *ptr;
    size_t len;
};

#define SPAN_NPOS ((size_t)-1)
/* SPAN - of a string literal. */
#define SPAN(literal) ((struct span){ "" literal, sizeof(literal) - 1 })
/* SPAN_ARG - for printf's "%.*s". */
#define SPAN_ARG(s) (int)((s).len > 65536 ? 65536 : (s).len), (s).ptr ? (s).ptr : ""

static inline struct span span_of(const char *text)
{
    return (struct span){ text, text ? strlen(text) : 0 };
}

static inline struct span span_make(const char *ptr, size_t len)
{
    return (struct span){ ptr, len };
}

bool span_eq(struct span a, struct span b);
bool span_ieq(struct span a, struct span b);
bool span_is(struct span a, const char *text);
bool span_iis(struct span a, const char *text);
bool span_starts(struct span s, struct span prefix);
bool span_istarts(struct span s, struct span prefix);
bool span_ends(struct span s, struct span suffix);
bool span_iends(struct span s, struct span suffix);

/* span_find, span_rfind - where the first (last) `byte` is, or SPAN_NPOS. */
size_t span_find(struct span s, char byte);
size_t span_rfind(struct span s, char byte);
/* span_search, span_isearch - where `needle` first stands, or SPAN_NPOS. */
size_t span_search(struct span s, struct span needle);
size_t span_isearch(struct span s, struct span needle);

/* span_skip - without its first `n` bytes (none left when it has fewer). span_first - only those. */
struct span span_skip(struct span s, size_t n);
struct span span_first(struct span s, size_t n);
/* span_trim - without SP, TAB, CR and LF at both ends. */
struct span span_trim(struct span s);

/* span_cut - takes the part before `byte` off the front of *rest, and `byte` with it.
 * Returns false when *rest was used up before (ptr NULL). An empty last part after a final `byte` is given, too:
 * "a;" gives "a", "". */
bool span_cut(struct span *rest, char byte, struct span *part);
/* span_word - takes the next run of bytes other than SP and TAB off *rest; false when there is none. */
bool span_word(struct span *rest, struct span *word);

/* span_u64 - decimal digits only, at most `most`. FAULT_SYNTAX, FAULT_RANGE. */
enum fault span_u64(struct span s, uint64_t most, uint64_t *out);

/* span_copy - as a C string into `out` of `size` bytes; FAULT_TOO_LONG, FAULT_SYNTAX when it holds NUL. */
enum fault span_copy(struct span s, char *out, size_t size);

/* span_line - the first line, with its LF; all when there is none. */
static inline struct span span_line(struct span s)
{
    size_t lf = span_find(s, '\n');

    return lf == SPAN_NPOS ? s : span_first(s, lf + 1);
}

/* ascii_lower, ascii_is_... - without locale. */
static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}
static inline bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool ascii_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline bool ascii_is_alnum(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c);
}
/* ascii_hex - the value of a hexadecimal digit, -1; of ascii_upper_hex, of one of 0 to 9 and A to F. */
static inline int ascii_upper_hex(char c)
{
    return ascii_is_digit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}
static inline int ascii_hex(char c)
{
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : ascii_upper_hex(c);
}
static inline bool ascii_is_wsp(char c)
{
    return c == ' ' || c == '\t';
}

#endif
