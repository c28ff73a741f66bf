/* http/request.c - framing, packing and persistence of a request. */
#include "gateway/http/request.h"

enum { LENGTH_MOST = INT32_MAX };

/* ---- HTTP ---- */

static const char *read_length(const struct head *head, struct request *out)
{
    const struct head_field *length = head_find(head, "Content-Length", 0);

    if (!length)
        return NULL;
    if (head_find(head, "Content-Length", 1))
        return "Content-Length stands twice";
    if (span_u64(length->value, UINT64_MAX, &out->length))
        return "Content-Length is no number";
    out->framing = FRAMING_LENGTH;
    return NULL;
}

static unsigned read_framing(const struct head *head, struct request *out, const char **wrong)
{
    const struct head_field *coding = head_find(head, "Transfer-Encoding", 0);

    *wrong = read_length(head, out);
    if (*wrong)
        return 400;
    if (!coding)
        return 0;
    if (out->framing == FRAMING_LENGTH || head_find(head, "Transfer-Encoding", 1) || !head->minor) {
        *wrong = "Transfer-Encoding stands twice, or beside Content-Length, or in HTTP/1.0";
        return 400;
    }
    if (!span_iis(coding->value, "chunked")) {
        *wrong = "the only transfer coding here is chunked";
        return 501;
    }
    out->framing = FRAMING_CHUNKED;
    return 0;
}

static bool is_packing(struct span name, enum packing *out)
{
    static const struct {
        const char *name;
        enum packing packing;
    } known[] = { { "zstd", PACKING_ZSTD },    { "gzip", PACKING_GZIP }, { "x-gzip", PACKING_GZIP },
                  { "deflate", PACKING_ZLIB }, { "zlib", PACKING_ZLIB }, { "identity", PACKING_NONE } };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (span_iis(name, known[i].name)) {
            *out = known[i].packing;
            return true;
        }
    }
    return false;
}

/* rspamd's clients say Compression, others Content-Encoding; one of them at most. */
static unsigned read_packing(const struct head *head, struct request *out, const char **wrong)
{
    const struct head_field *a = head_find(head, "Compression", 0), *b = head_find(head, "Content-Encoding", 0);

    if ((a && b) || head_find(head, "Compression", 1) || head_find(head, "Content-Encoding", 1)) {
        *wrong = "say once how the body is compressed";
        return 400;
    }
    if ((a || b) && !is_packing((a ? a : b)->value, &out->packing)) {
        *wrong = "the body may be compressed by zstd, gzip or zlib";
        return 415;
    }
    return 0;
}

/* An absolute target is taken, too [RFC9112 3.2.2]. */
static unsigned read_target(const struct head *head, struct request *out, const char **wrong)
{
    struct span rest = head->target;

    if (span_istarts(rest, SPAN("http://"))) {
        rest = span_skip(rest, 7);
        size_t slash = span_find(rest, '/');

        rest = slash == SPAN_NPOS ? SPAN("/") : span_skip(rest, slash);
    }
    if (!rest.len || rest.ptr[0] != '/') {
        *wrong = "the target is no path";
        return 400;
    }
    out->path = span_first(rest, span_find(rest, '?') < rest.len ? span_find(rest, '?') : rest.len);
    return 0;
}

static unsigned read_expectation(const struct head *head, struct request *out, const char **wrong)
{
    const struct head_field *expect = head_find(head, "Expect", 0);

    if (!expect)
        return 0;
    if (head_find(head, "Expect", 1) || !span_iis(expect->value, "100-continue")) {
        *wrong = "nothing can be expected here but 100-continue";
        return 417;
    }
    out->expects_continue = head->minor > 0;
    return 0;
}

unsigned request_read(const struct head *head, struct request *out, const char **wrong)
{
    unsigned status;

    *out = (struct request){ .framing = FRAMING_NONE };
    if (head->major != 1) {
        *wrong = "HTTP/1.1 and HTTP/1.0 are spoken here";
        return 505;
    }
    if (head_find(head, "Host", 1)) {
        *wrong = "Host stands twice";
        return 400;
    }
    out->keeps_alive =
        head->minor ? !head_lists(head, "Connection", "close") : head_lists(head, "Connection", "keep-alive");
    if ((status = read_target(head, out, wrong)) || (status = read_framing(head, out, wrong)) ||
        (status = read_packing(head, out, wrong)) || (status = read_expectation(head, out, wrong)))
        return status;
    return 0;
}

/* ---- RSPAMC and SPAMC ---- */

unsigned request_read_spam(const struct head *head, struct request *out, const char **wrong)
{
    const struct head_field *packing = head_find(head, "Compress", 0);

    *out = (struct request){ .framing = FRAMING_TO_END };
    *wrong = read_length(head, out);
    if (*wrong)
        return 400;
    if (out->framing == FRAMING_LENGTH && out->length > LENGTH_MOST) {
        *wrong = "Content-length is too large";
        return 400;
    }
    if (packing && !span_iis(packing->value, "zlib")) {
        *wrong = "Compress can be zlib alone";
        return 400;
    }
    out->packing = packing ? PACKING_ZLIB : PACKING_NONE;
    return 0;
}
