/* mail/codec_run.c - runs of base64 and quoted-printable: portable loops, and 32 bytes at a time with AVX2 where the
 * machine that we run on has it. */
#include "gateway/mail/codec_run.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define HAS_WIDE_CODE 1
#else
#define HAS_WIDE_CODE 0
#endif

/* clang-format off */
const unsigned char base64_sixes[256] = {
    64, 64, 64, 64, 64, 64, 64, 64, 64, 66, 66, 64, 64, 66, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 66, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 62, 64, 64, 64, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64,
    64, 65, 64, 64, 64, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64, 64, 64, 26, 27, 28,
    29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48,
    49, 50, 51, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
};

static const signed char hex_digits[256] = {
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -1,
    -1, -1, -1, -1, -1, 10, 11, 12, 13, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 10, 11, 12,
    13, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
};
/* clang-format on */

int hex_digit(char c)
{
    return hex_digits[(unsigned char)c];
}

static size_t line_end(struct span text, size_t at)
{
    if (at < text.len && text.ptr[at] == '\n')
        return 1;
    return at + 1 < text.len && text.ptr[at] == '\r' && text.ptr[at + 1] == '\n' ? 2 : 0;
}

struct codec_run base64_run_plain(struct span text, char *out)
{
    struct codec_run run = { 0 };
    size_t end = 1;

    while (end) {
        for (; text.len - run.used >= 4; run.used += 4, run.made += 3) {
            const unsigned char *p = (const unsigned char *)text.ptr + run.used;
            unsigned a = base64_sixes[p[0]], b = base64_sixes[p[1]], c = base64_sixes[p[2]], d = base64_sixes[p[3]];

            if ((a | b | c | d) >= 64)
                break;
            out[run.made] = (char)(a << 2 | b >> 4);
            out[run.made + 1] = (char)(b << 4 | c >> 2);
            out[run.made + 2] = (char)(c << 6 | d);
        }
        end = line_end(text, run.used);
        run.used += end;
    }
    return run;
}

/* Escapes and soft line breaks in CRLF at the end of `run`; false: none. */
static inline bool escapes(struct span text, char *out, struct codec_run *run)
{
    size_t at = run->used;
    const char *p = text.ptr;

    while (text.len - at >= 3 && p[at] == '=') {
        int high = hex_digit(p[at + 1]), low = hex_digit(p[at + 2]);

        if (high >= 0 && low >= 0)
            out[run->made++] = (char)(high << 4 | low);
        else if (p[at + 1] != '\r' || p[at + 2] != '\n')
            break;
        at += 3;
    }
    if (at == run->used)
        return false;
    run->used = at;
    run->kept = run->made;
    return true;
}

/* The = or LF at the end of `run`: is it one that the run goes on behind? */
static inline bool goes_on(struct span text, char *out, struct codec_run *run)
{
    size_t at = run->used;
    const char *p = text.ptr;

    if (p[at] == '=')
        return escapes(text, out, run);
    if (at < 2 || ascii_is_wsp(p[at - 1]) || (p[at - 1] == '\r' && ascii_is_wsp(p[at - 2])))
        return false;
    out[run->made++] = '\n';
    run->used++;
    return true;
}

/* Moves *run on; what is behind it is not ordinary, or the end. */
static void quoted_rest(struct span text, char *out, struct codec_run *run)
{
    while (run->used < text.len) {
        unsigned char c = (unsigned char)text.ptr[run->used];

        if (c == '=' || c == '\n') {
            if (!goes_on(text, out, run))
                return;
            continue;
        }
        run->has_foreign |= (c < ' ' && c != '\t' && c != '\r') || c > 0x7e;
        out[run->made++] = (char)c;
        run->used++;
    }
}

struct codec_run quoted_run_plain(struct span text, char *out)
{
    struct codec_run run = { 0 };

    quoted_rest(text, out, &run);
    return run;
}

#if HAS_WIDE_CODE
#define WIDE __attribute__((target("avx2")))

bool codec_has_wide(void)
{
    return __builtin_cpu_supports("avx2");
}

static WIDE inline __m256i between(__m256i v, char low, char high)
{
    __m256i held = _mm256_min_epu8(_mm256_max_epu8(v, _mm256_set1_epi8(low)), _mm256_set1_epi8(high));

    return _mm256_cmpeq_epi8(held, v);
}

static WIDE inline __m256i where(__m256i claim, int value)
{
    return _mm256_and_si256(claim, _mm256_set1_epi8((char)value));
}

/* What 32 letters stand for. *is_letter has a bit for each that is one. */
static WIDE inline __m256i sixes_of(__m256i v, uint32_t *is_letter)
{
    __m256i upper = between(v, 'A', 'Z'), lower = between(v, 'a', 'z'), digit = between(v, '0', '9');
    __m256i plus = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('+')), slash = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('/'));
    __m256i letters = _mm256_or_si256(upper, lower), signs = _mm256_or_si256(plus, slash);
    __m256i shift = _mm256_or_si256(where(upper, -'A'), where(lower, 26 - 'a'));

    shift = _mm256_or_si256(shift, where(digit, 52 - '0'));
    shift = _mm256_or_si256(shift, _mm256_or_si256(where(plus, 62 - '+'), where(slash, 63 - '/')));
    *is_letter = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(letters, digit), signs));
    return _mm256_add_epi8(v, shift);
}

/* 32 times six bits as 24 bytes: pairs to twelve bits, fours to 24, and those moved together. */
static WIDE inline __m256i bytes_of(__m256i sixes)
{
    const __m256i three_of_four = _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1, 2, 1, 0, 6,
                                                   5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    __m256i twelves = _mm256_maddubs_epi16(sixes, _mm256_set1_epi32(0x01400140));
    __m256i fours = _mm256_madd_epi16(twelves, _mm256_set1_epi32(0x00011000));

    fours = _mm256_shuffle_epi8(fours, three_of_four);
    return _mm256_permutevar8x32_epi32(fours, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7));
}

/* A step writes 32 bytes, of which 24 count at most: what it writes always has a place, for less was made than used. */
static WIDE struct codec_run base64_run_wide(struct span text, char *out)
{
    struct codec_run run = { 0 };

    while (text.len - run.used >= 32) {
        uint32_t is_letter;
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(text.ptr + run.used));

        _mm256_storeu_si256((__m256i *)(void *)(out + run.made), bytes_of(sixes_of(v, &is_letter)));
        if (is_letter == UINT32_MAX) {
            run.used += 32;
            run.made += 24;
            continue;
        }
        unsigned letters = (unsigned)__builtin_ctz(~is_letter);

        run.used += letters & ~3U;
        run.made += (letters & ~3U) / 4 * 3;
        size_t end = letters % 4 == 0 ? line_end(text, run.used) : 0;

        if (end == 0)
            return run;
        run.used += end;
    }
    return run;
}

struct codec_run base64_run(struct span text, char *out)
{
    struct codec_run run = { 0 };

    if (text.len >= 32 && codec_has_wide())
        run = base64_run_wide(text, out);
    struct codec_run rest = base64_run_plain(span_skip(text, run.used), out + run.made);

    return (struct codec_run){ .used = run.used + rest.used, .made = run.made + rest.made };
}

/* Of 32 bytes, a bit for each that is = or LF, and for each that should not stand in such a text. */
static WIDE inline uint32_t stops_of(__m256i v, uint32_t *odd)
{
    __m256i equals = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('=')), lf = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\n'));
    __m256i tab = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\t')), cr = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\r'));
    __m256i below = _mm256_cmpgt_epi8(_mm256_set1_epi8(' '), v), del = _mm256_cmpeq_epi8(v, _mm256_set1_epi8(0x7f));

    *odd = (uint32_t)_mm256_movemask_epi8(_mm256_andnot_si256(_mm256_or_si256(tab, cr), _mm256_or_si256(below, del)));
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(equals, lf));
}

static WIDE struct codec_run quoted_run_wide(struct span text, char *out)
{
    struct codec_run run = { 0 };

    while (text.len - run.used >= 32) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(text.ptr + run.used));
        uint32_t odd, stop = stops_of(v, &odd);
        unsigned ordinary = stop ? (unsigned)__builtin_ctz(stop) : 32;

        _mm256_storeu_si256((__m256i *)(void *)(out + run.made), v);
        run.has_foreign |= stop ? (odd & ((1U << ordinary) - 1)) != 0 : odd != 0;
        run.used += ordinary;
        run.made += ordinary;
        if (stop && !goes_on(text, out, &run))
            return run;
    }
    quoted_rest(text, out, &run);
    return run;
}

struct codec_run quoted_run(struct span text, char *out)
{
    return text.len >= 32 && codec_has_wide() ? quoted_run_wide(text, out) : quoted_run_plain(text, out);
}

#else

bool codec_has_wide(void)
{
    return false;
}

struct codec_run base64_run(struct span text, char *out)
{
    return base64_run_plain(text, out);
}

struct codec_run quoted_run(struct span text, char *out)
{
    return quoted_run_plain(text, out);
}

#endif
