/* mail/canon.c - simple and relaxed canonicalisation [RFC6376 3.4].
 *
 * Relaxed bodies are the hot path. Most text of most mails has only single spaces inside its lines, so 64 bytes at a
 * time are searched for what is not: a TAB, or a space before something that is no letter. What lies between two such
 * places is hashed where it lies.
 */
#include "gateway/mail/canon.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "gateway/base/bug.h"

/* So much is searched before it is hashed, so that the hash function finds it in the nearest cache. */
enum { STRETCH_BYTES = 16384, BLOCK_BYTES = 64 };

#define CRLF SPAN("\r\n")

/* Which of the BLOCK_BYTES at p may be changed, a bit for each; reads one byte more. */
static uint64_t odd_bits(const char *p)
{
    uint64_t bits = 0;

#if defined(__SSE2__)
    const __m128i space = _mm_set1_epi8(' '), tab = _mm_set1_epi8('\t');

    for (int i = 0; i < BLOCK_BYTES; i += 16) {
        __m128i here = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i next = _mm_loadu_si128((const __m128i *)(const void *)(p + i + 1));
        __m128i is_low = _mm_cmpeq_epi8(_mm_min_epu8(next, space), next);
        __m128i odd = _mm_or_si128(_mm_cmpeq_epi8(here, tab), _mm_and_si128(_mm_cmpeq_epi8(here, space), is_low));

        bits |= (uint64_t)(unsigned)_mm_movemask_epi8(odd) << i;
    }
#else
    for (int i = 0; i < BLOCK_BYTES; i++)
        bits |= (uint64_t)(p[i] == '\t' || (p[i] == ' ' && (unsigned char)p[i + 1] <= ' ')) << i;
#endif
    return bits;
}

/* How many bytes at the start of `text` relaxed canonicalisation leaves as they are. A space at its very end may be
 * one that ends a line, so it does not count as such. */
static size_t even_run(struct span text)
{
    size_t i = 0;

    for (; i + BLOCK_BYTES < text.len; i += BLOCK_BYTES) {
        uint64_t odd = odd_bits(text.ptr + i);

        if (odd)
            return i + (size_t)__builtin_ctzll(odd);
    }
    for (; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '\t' || (c == ' ' && (i + 1 == text.len || (unsigned char)text.ptr[i + 1] <= ' ')))
            break;
    }
    return i;
}

static size_t wsp_run(struct span text)
{
    size_t n = 0;

    while (n < text.len && ascii_is_wsp(text.ptr[n]))
        n++;
    return n;
}

static bool is_at_crlf(struct span text, size_t at)
{
    return at + 1 < text.len && text.ptr[at] == '\r' && text.ptr[at + 1] == '\n';
}

/* Lines with white space reduced; ends behind the last byte that is neither white space nor an empty line. */
static void put_relaxed(struct hasher *h, struct span text)
{
    while (text.len) {
        size_t even = even_run(span_first(text, STRETCH_BYTES));

        hasher_put(h, span_first(text, even));
        text = span_skip(text, even);
        size_t wsp = wsp_run(text);

        if (wsp && !is_at_crlf(text, wsp))
            hasher_putc(h, ' ');
        text = span_skip(text, wsp);
    }
}

/* Without the empty lines at its end, and without the last line's CRLF. `has_wsp`: a line of white space is empty. */
static struct span without_empty_lines(struct span body, bool has_wsp)
{
    for (;;) {
        bool ends_in_crlf = body.len >= 2 && is_at_crlf(body, body.len - 2);

        if (has_wsp) {
            size_t end = ends_in_crlf ? body.len - 2 : body.len;

            while (end && ascii_is_wsp(body.ptr[end - 1]))
                end--;
            if (!ends_in_crlf && end == body.len)
                return body;
            body.len = end;
        } else {
            if (!ends_in_crlf)
                return body;
            body.len -= 2;
        }
    }
}

void canon_body(struct hasher *h, enum canon canon, struct span body)
{
    struct span text = without_empty_lines(body, canon == CANON_RELAXED);

    if (canon == CANON_SIMPLE)
        hasher_put(h, text);
    else
        put_relaxed(h, text);
    if (canon == CANON_SIMPLE || text.len) /* an empty relaxed body is nothing at all */
        hasher_put(h, CRLF);
}

/* A field in pieces: its body unfolded, white space reduced to one space, none at either end. */
struct unfolding {
    struct hasher *hasher;
    bool has_begun, is_blank;
    size_t held;
    char hold[256];
};

static void hold_byte(struct unfolding *u, char c)
{
    if (u->held == sizeof u->hold) {
        hasher_put(u->hasher, span_make(u->hold, u->held));
        u->held = 0;
    }
    u->hold[u->held++] = c;
}

static void begin_field(struct unfolding *u, struct hasher *h, struct span name)
{
    u->hasher = h;
    u->has_begun = u->is_blank = false;
    u->held = 0;
    for (size_t i = 0; i < name.len; i++)
        hold_byte(u, ascii_lower(name.ptr[i]));
    hold_byte(u, ':');
}

static void unfold(struct unfolding *u, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (ascii_is_wsp(c)) {
            u->is_blank = true;
        } else if (c == '\r' && is_at_crlf(text, i)) {
            i++;
        } else {
            if (u->is_blank && u->has_begun)
                hold_byte(u, ' ');
            hold_byte(u, c);
            u->has_begun = true;
            u->is_blank = false;
        }
    }
}

static void end_field(struct unfolding *u)
{
    hasher_put(u->hasher, span_make(u->hold, u->held));
}

void canon_field(struct hasher *h, enum canon canon, const struct header_field *field)
{
    if (canon == CANON_SIMPLE) {
        hasher_put(h, field->whole);
        return;
    }
    struct unfolding u;

    begin_field(&u, h, field->name);
    unfold(&u, field->body);
    hold_byte(&u, '\r');
    hold_byte(&u, '\n');
    end_field(&u);
}

void canon_signature(struct hasher *h, enum canon canon, const struct header_field *field, struct span cut)
{
    const char *end = field->body.ptr + field->body.len;
    struct span after = span_make(cut.ptr + cut.len, (size_t)(end - (cut.ptr + cut.len)));

    if (canon == CANON_SIMPLE) {
        hasher_put(h, span_make(field->whole.ptr, (size_t)(cut.ptr - field->whole.ptr)));
        hasher_put(h, after);
        return;
    }
    struct unfolding u;

    begin_field(&u, h, field->name);
    unfold(&u, span_make(field->body.ptr, (size_t)(cut.ptr - field->body.ptr)));
    unfold(&u, after);
    end_field(&u);
}

struct body_hashes {
    size_t count;
    struct body_hash items[BODY_HASHES_MAX];
};

static const struct body_hash *find_hash(const struct body_hashes *known, enum canon canon, enum hash_kind kind,
                                         uint64_t length)
{
    for (size_t i = 0; i < known->count; i++)
        if (known->items[i].canon == canon && known->items[i].kind == kind && known->items[i].length == length)
            return &known->items[i];
    return NULL;
}

const struct body_hash *body_hash(struct message *m, enum canon canon, enum hash_kind kind, uint64_t length)
{
    if (!m->body_hashes)
        m->body_hashes = arena_alloc(&m->arena, sizeof *m->body_hashes);
    const struct body_hash *known = find_hash(m->body_hashes, canon, kind, length);

    if (known)
        return known;
    if (m->body_hashes->count == BODY_HASHES_MAX)
        return NULL;
    struct body_hash *made = &m->body_hashes->items[m->body_hashes->count++];
    struct hasher h;

    hasher_start(&h, kind, length);
    canon_body(&h, canon, m->body);
    hasher_end(&h, made->hash);
    made->canon = canon;
    made->kind = kind;
    made->length = length;
    made->whole_bytes = h.total;
    return made;
}
