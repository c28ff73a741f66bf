/* rules/glob.c - patterns with * and ?. */
#include "rules/glob.h"

/* One place to go back to is enough: what the last * takes more decides. */
bool glob_matches(struct span pattern, struct span text)
{
    size_t p = 0, t = 0, star = SPAN_NPOS, from = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.len && (pattern.ptr[p] == '?' || pattern.ptr[p] == text.ptr[t])) {
            p++;
            t++;
        } else if (star != SPAN_NPOS) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}
