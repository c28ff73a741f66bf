/* tests/kit/fuzz_request.h - what the fuzz targets of the scan API's protocols share: a request out of a stream of
 * bytes, cut into pieces. */
#ifndef KIT_FUZZ_REQUEST_H
#define KIT_FUZZ_REQUEST_H

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/strbuf.h"
#include "gateway/http/envelope.h"
#include "gateway/http/intake.h"
#include "gateway/http/original.h"

struct fuzzed {
    enum head_wrong wrong;
    enum head_protocol protocol;
    unsigned status;
    enum intake_state state;
    size_t used; /* bytes of the input that are this request's */
    struct strbuf message;
};

static inline void check_head(const struct head *head)
{
    for (size_t i = 0; i < head->count; i++) {
        struct span name = head->fields[i].name, value = head->fields[i].value;

        if (!name.len || span_find(name, ' ') != SPAN_NPOS || span_find(name, '\r') != SPAN_NPOS)
            BUG("a name that is none");
        for (size_t k = 0; k < value.len; k++)
            if (((unsigned char)value.ptr[k] < ' ' && value.ptr[k] != '\t') || value.ptr[k] == 0x7f)
                BUG("a control character in a value");
    }
}

/* What a session gets lies inside the limits, and holds no line end. */
static inline void check_envelope(const struct head *head)
{
    struct arena a;
    struct envelope_flags flags;

    arena_init(&a, 1 << 20);
    struct session s = { .arena = &a, .tx_arena = &a, .tls_version = "", .tls_cipher = "" };

    envelope_flags(head, &flags);
    if (!envelope_fill(head, &s)) {
        if (s.mail_from.text.len > HEAD_LINE_MAX || s.recipient_count > ENVELOPE_RECIPIENTS_MAX)
            BUG("an envelope beyond its limits");
        if (span_find(s.helo, '\n') != SPAN_NPOS || span_find(s.client_ptr, ' ') != SPAN_NPOS)
            BUG("a line end in what names the client");
    }
    (void)envelope_forbidden(head);
    arena_release(&a);
}

/* What came plainly goes back as it came. */
static inline void check_return(const struct intake *in, struct span message, struct span body)
{
    struct pieces pieces = { .items = &message, .count = message.len > 0, .bytes = message.len };
    struct original o;
    struct span stretch;

    original_init(&o, &in->lines, message, &pieces);
    if (original_bytes(&o) != body.len)
        BUG("%zu bytes go back, of %zu", original_bytes(&o), body.len);
    for (; original_next(&o, &stretch); body = span_skip(body, stretch.len))
        if (!span_starts(body, stretch))
            BUG("something else goes back");
}

static inline void take_bodies(struct intake *in, struct span text, size_t at, size_t step, struct fuzzed *out)
{
    size_t begin = at, end = at, took = 0, turns = 0;

    while (in->state <= INTAKE_AGAIN && (at < text.len || in->state == INTAKE_AGAIN)) {
        end = end + step < text.len ? end + step : text.len;
        intake_take(in, span_make(text.ptr + at, end - at), &took);
        at += took;
        if (!took && end == text.len && in->state == INTAKE_MORE && ++turns > 2)
            BUG("a body that is not taken");
    }
    while (in->state <= INTAKE_AGAIN)
        intake_end(in);
    out->state = in->state;
    out->used = at;
    struct span bytes;

    if (in->state != INTAKE_ENDED || spool_seal(in->spool, &bytes))
        return;
    strbuf_put(&out->message, bytes);
    if (!in->unpack && in->request.framing != FRAMING_CHUNKED)
        check_return(in, bytes, span_make(text.ptr + begin, at - begin));
}

/* The first request of `text`, which comes in pieces of `step` bytes. */
static inline void take_request(struct span text, size_t step, struct fuzzed *out)
{
    static const struct intake_limits limits = {
        .directory = "/tmp", .memory_most = 1 << 20, .size_most = 1 << 20, .ratio_most = 100000
    };
    size_t seen = 0, bytes = 0;
    const char *wrong = NULL;
    struct span line;
    struct head head;
    struct arena a;

    *out = (struct fuzzed){ .wrong = HEAD_NO_PROTOCOL };
    strbuf_init(&out->message, 4 << 20);
    for (size_t n = step; !bytes && n < text.len + step; n += step)
        bytes = head_end(span_first(text, n), &seen);
    if (!bytes)
        return;
    arena_init(&a, 1 << 20);
    out->wrong = head_parse(&a, span_first(text, bytes), &head, &line);
    out->protocol = head.protocol;
    if (!out->wrong) {
        struct request request;
        struct intake in;

        check_head(&head);
        check_envelope(&head);
        out->status = (head.protocol == PROTOCOL_HTTP ? request_read : request_read_spam)(&head, &request, &wrong);
        if (!out->status) {
            intake_init(&in, &request, &limits);
            take_bodies(&in, text, bytes, step, out);
            intake_release(&in);
        }
    }
    arena_release(&a);
}

/* However a request is cut, it is the same. Only what it is refused for may differ: packed data that are both broken
 * and too many are found out in one order or the other. */
static inline void check_cuts(struct span text, size_t step)
{
    struct fuzzed whole, cut;

    take_request(text, text.len + 1, &whole);
    take_request(text, step, &cut);
    if (whole.wrong != cut.wrong || whole.status != cut.status ||
        (whole.state == INTAKE_ENDED) != (cut.state == INTAKE_ENDED))
        BUG("cut into pieces of %zu it is something else", step);
    if (whole.state == INTAKE_ENDED && whole.used != cut.used)
        BUG("it ends at %zu, and in pieces at %zu", whole.used, cut.used);
    if (!span_eq(strbuf_span(&whole.message), strbuf_span(&cut.message)))
        BUG("another message in pieces of %zu", step);
    strbuf_release(&whole.message);
    strbuf_release(&cut.message);
}

#endif
