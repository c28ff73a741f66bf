/* mail/codec_run.h - runs of ordinary bytes of an encoding, decoded as fast as the machine can; letters of base64 and
 * hex digits. What codec.c is made of.
 *
 * Each function stops at the first byte that is not ordinary, and says how far it came. It may write garbage behind
 * what it made, but never more than the bytes of `text` in all.
 */
#ifndef MAIL_CODEC_RUN_H
#define MAIL_CODEC_RUN_H

#include "gateway/base/span.h"

struct codec_run {
    size_t used, made;
    size_t kept;      /* quoted_run: blanks before this place in the result are no line's last ones */
    bool has_foreign; /* control characters or bytes above 0x7f among them */
};

enum { BASE64_OTHER = 64, BASE64_PAD = 65, BASE64_BLANK = 66 };

/* base64_sixes - what a byte stands for: 0 to 63 or one of the above. */
extern const unsigned char base64_sixes[256];

/* base64_run - groups of four letters, and line ends between them. quoted_run - bytes up to an = that is neither an
 * escape nor a soft line break in CRLF, or up to an LF with blanks before it.
 * ..._plain - the same in portable C. codec_has_wide - is the faster one in use? */
struct codec_run base64_run(struct span text, char *out);
struct codec_run base64_run_plain(struct span text, char *out);
struct codec_run quoted_run(struct span text, char *out);
struct codec_run quoted_run_plain(struct span text, char *out);
bool codec_has_wide(void);
/* hex_digit - 0 to 15, -1: is none. */
int hex_digit(char c);

#endif
