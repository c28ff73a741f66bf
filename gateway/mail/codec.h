/* mail/codec.h - transfer encodings, decoded as mail readers do: what is broken is decoded as far as it goes, and
 * named.
 *
 * Never fail; linear. base64 and quoted-printable are decoded with AVX2 where the machine has it (codec_wide.h).
 * Threads: any. Memory: the caller's buffer, which must not overlap the text.
 */
#ifndef MAIL_CODEC_H
#define MAIL_CODEC_H

#include "gateway/base/arena.h"

/* What was wrong, a bit each. */
enum codec_flaw {
    CODEC_FOREIGN = 1 << 0,   /* bytes that are not of the alphabet, left out (base64) or kept (quoted-printable) */
    CODEC_TRUNCATED = 1 << 1, /* ends in the middle of a group, or without its end line */
    CODEC_PADDING = 1 << 2,   /* base64: goes on behind its padding, or has none */
    CODEC_ESCAPE = 1 << 3,    /* quoted-printable: = without two hex digits */
    CODEC_CHECKSUM = 1 << 4,  /* yEnc: length or CRC32 differ */
};

/* Each writes at most codec_most(encoded length) bytes to `out` (all of them may be written to) and returns how many
 * are the result; flaws are added to *flaws.
 * base64_decode - [RFC2045 6.8]; reads on behind padding, as readers do. base64_decode_to_padding - the other reading:
 * stops at the first padding. base64_decode_without_padding - a third: as if none were there, as PHP has it.
 * quoted_printable_decode - [RFC2045 6.7]. yenc_decode - the lines between (not with)
 * =ybegin or =ypart and =yend. */
size_t base64_decode(struct span text, char *out, unsigned *flaws);
size_t base64_decode_to_padding(struct span text, char *out, unsigned *flaws);
size_t base64_decode_without_padding(struct span text, char *out, unsigned *flaws);
size_t quoted_printable_decode(struct span text, char *out, unsigned *flaws);
size_t yenc_decode(struct span lines, char *out, unsigned *flaws);

/* yenc_check - do `bytes` have the length and the CRC32 that their =yend line says? Else CODEC_CHECKSUM. */
void yenc_check(struct span end_line, struct span bytes, unsigned *flaws);

static inline size_t codec_most(size_t encoded)
{
    return encoded + 3;
}

/* uuencode_decode - the lines between (not with) begin and end, at most `room` bytes (more: CODEC_TRUNCATED). Lines
 * that lost their final blanks are filled up, as readers do: a line of three bytes may stand for 45.
 * uuencode_most - the room that these lines need; only counts their lengths. */
size_t uuencode_decode(struct span lines, char *out, size_t room, unsigned *flaws);
size_t uuencode_most(struct span lines);

#endif
