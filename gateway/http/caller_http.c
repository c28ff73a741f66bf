/* http/caller_http.c - HTTP [RFC9112]: the table of paths, and what is answered without looking at a message. */
#include "gateway/http/caller.h"

#include <openssl/crypto.h>
#include <zstd.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/http/json.h"
#include "gateway/http/openmetrics.h"
#include "gateway/http/stat.h"
#include "gateway/mail/crypto.h"

enum { HEAD_MOST = 4096, REASON_MOST = 300, BODY_MOST = 1 << 20, PACK_FROM_BYTES = 256, PACK_LEVEL = 1 };

/* ---- answers ---- */

/* [RFC9110 5.6.7] is [RFC5322 3.3] with another name for UTC. */
static void put_date(struct strbuf *out)
{
    char date[CLOCK_TEXT_MAX];

    clock_rfc5322(clock_wall_ms(), date);
    strbuf_puts(out, "Date: ");
    strbuf_put(out, span_first(span_of(date), strlen("Mon, 23 Nov 2026 05:46:00 ")));
    strbuf_puts(out, "GMT\r\n");
}

static bool wants_packed(const struct caller *c, struct span body)
{
    return body.len >= PACK_FROM_BYTES && (c->flags.zstd || head_lists(&c->head, "Accept-Encoding", "zstd"));
}

/* The body as it goes out: packed into `packed`, or itself. */
static struct span pack(const struct caller *c, struct span body, struct strbuf *packed)
{
    size_t most = ZSTD_compressBound(body.len);
    char *into = wants_packed(c, body) ? strbuf_room(packed, most) : NULL;
    size_t bytes = into ? ZSTD_compress(into, most, body.ptr, body.len, PACK_LEVEL) : 0;

    return into && !ZSTD_isError(bytes) ? span_make(into, bytes) : body;
}

/* In the place of the phrase a failure has its sentence: rspamc shows its user nothing else [RFC9112 4]. */
static void put_status(struct strbuf *out, unsigned status, const char *reason)
{
    strbuf_putf(out, "HTTP/1.1 %u ", status);
    for (size_t i = 0; reason[i] && i < REASON_MOST; i++)
        strbuf_putc(out, (unsigned char)reason[i] < 0x20 || (unsigned char)reason[i] >= 0x7f ? '?' : reason[i]);
    strbuf_puts(out, "\r\n");
}

static void answer(struct caller *c, unsigned status, const char *reason, const char *type, struct span body)
{
    struct strbuf head, packed;
    bool is_head = span_is(c->head.method, "HEAD");

    strbuf_init(&head, HEAD_MOST);
    strbuf_init(&packed, SIZE_MAX / 2);
    struct span sent = pack(c, body, &packed);

    put_status(&head, status, reason);
    strbuf_puts(&head, "Server: postern/" POSTERN_VERSION "\r\n");
    put_date(&head);
    strbuf_putf(&head, "Content-Type: %s\r\nContent-Length: %zu\r\n", type, sent.len);
    if (sent.ptr != body.ptr)
        strbuf_putf(&head, "%s: zstd\r\n", c->flags.zstd ? "Compression" : "Content-Encoding");
    if (status == 405)
        strbuf_puts(&head, "Allow: GET, HEAD, POST\r\n");
    strbuf_putf(&head, "Connection: %s\r\n\r\n", caller_goes_on(c) ? "keep-alive" : "close");
    caller_write(c, strbuf_span(&head));
    if (!is_head)
        caller_write(c, sent);
    strbuf_release(&head);
    strbuf_release(&packed);
    caller_over(c);
}

void caller_answer_http(struct caller *c, const char *type, struct span body)
{
    answer(c, 200, "OK", type, body);
}

/* There are clients that look at no status: Haraka takes an object of "error" alone for a failure, which it can be told
 * to defer for, and any other for a verdict, so rspamd's "error_domain" is left out. What makes us refuse to examine a
 * message may be the sender's doing: it is not to be a way in. */
void caller_answer_error(struct caller *c, unsigned status, const char *text)
{
    struct strbuf body;
    struct json j = { .out = &body };

    strbuf_init(&body, BODY_MOST);
    json_open(&j, '{');
    json_put_text(&j, "error", span_of(text));
    json_close(&j, '}');
    answer(c, status, text, "application/json", strbuf_span(&body));
    strbuf_release(&body);
}

void caller_refuse_http(struct caller *c, unsigned status, const char *text)
{
    caller_close(c);
    caller_answer_error(c, status, text);
}

/* ---- what is asked without a message ---- */

static void answer_text(struct caller *c, const char *type, void (*write)(const struct http_door *, struct strbuf *))
{
    struct strbuf body;

    strbuf_init(&body, BODY_MOST);
    write(c->door, &body);
    caller_answer_http(c, type, strbuf_span(&body));
    strbuf_release(&body);
}

static void run_ping(struct caller *c)
{
    caller_answer_http(c, "text/plain", SPAN("pong\r\n"));
}

static void run_metrics(struct caller *c)
{
    answer_text(c, OPENMETRICS_TYPE, openmetrics_write);
}

static void run_stat(struct caller *c)
{
    answer_text(c, "application/json", stat_write);
}

static void run_statreset(struct caller *c)
{
    run_stat(c);
    stat_reset(c->door);
}

static void run_auth(struct caller *c)
{
    answer_text(c, "application/json", stat_write_auth);
}

static void run_healthy(struct caller *c)
{
    caller_answer_http(c, "application/json", SPAN("{\"success\":true}\n"));
}

/* Listeners are up before the loop turns, and so before anybody can ask. */
static void run_ready(struct caller *c)
{
    struct engine *engine = c->door->engine;
    const char *busy = engine_is_busy(engine);

    if (c->door->is_draining)
        caller_answer_error(c, 503, "this gateway is draining");
    else if (!engine->is_ready)
        caller_answer_error(c, 503, "the checks are still being prepared");
    else if (busy)
        caller_answer_error(c, 503, busy);
    else
        run_healthy(c);
}

/* ---- learning ---- */

static void run_learnspam(struct caller *c)
{
    c->as = BAYES_SPAM;
    caller_learn(c);
}

static void run_learnham(struct caller *c)
{
    c->as = BAYES_HAM;
    caller_learn(c);
}

/* ---- who may ---- */

static void hash(struct span text, unsigned char out[HASH_BYTES_MAX])
{
    struct crypto *crypto = crypto_here();

    crypto_hash_start(crypto, HASH_SHA256);
    crypto_hash_put(crypto, text);
    crypto_hash_end(crypto, out);
}

/* In a time that tells nothing of the password. */
static bool is_password(const char *password, struct span given)
{
    unsigned char a[HASH_BYTES_MAX] = { 0 }, b[HASH_BYTES_MAX] = { 0 };

    hash(span_of(password), a);
    hash(given, b);
    return password[0] && CRYPTO_memcmp(a, b, sizeof a) == 0;
}

static bool may_change(const struct caller *c)
{
    return c->is_trusted || is_password(c->door->conf->password, head_value(&c->head, "Password"));
}

/* ---- the table ---- */

/* Those that need trust come last. */
enum http_need { NEED_NOTHING, NEED_MESSAGE, NEED_TRUST_AND_BODY, NEED_TRUST };

struct http_command {
    const char *path;
    enum http_need need;
    caller_run_fn *run;
};

static const struct http_command commands[] = {
    { "/checkv2", NEED_MESSAGE, caller_scan },
    { "/check", NEED_MESSAGE, caller_scan },
    { "/symbols", NEED_MESSAGE, caller_scan },
    { "/scan", NEED_MESSAGE, caller_scan },
    { "/ping", NEED_NOTHING, run_ping },
    { "/stat", NEED_NOTHING, run_stat },
    { "/statreset", NEED_TRUST, run_statreset },
    { "/auth", NEED_TRUST, run_auth },
    { "/learnspam", NEED_TRUST_AND_BODY, run_learnspam },
    { "/learnham", NEED_TRUST_AND_BODY, run_learnham },
    { "/metrics", NEED_NOTHING, run_metrics },
    { "/healthy", NEED_NOTHING, run_healthy },
    { "/ready", NEED_NOTHING, run_ready },
};

static const struct http_command *find_command(struct span path)
{
    for (size_t i = 0; i < COUNT(commands); i++)
        if (span_is(path, commands[i].path))
            return &commands[i];
    return NULL;
}

static bool needs_body(const struct http_command *command)
{
    return command->need == NEED_MESSAGE || command->need == NEED_TRUST_AND_BODY;
}

static bool is_method_known(const struct http_command *command, struct span method)
{
    if (needs_body(command))
        return span_is(method, "POST");
    return span_is(method, "GET") || span_is(method, "HEAD") || span_is(method, "POST");
}

/* A refusal before the body: without one the connection can go on. */
static void refuse(struct caller *c, unsigned status, const char *text)
{
    if (c->request.framing == FRAMING_NONE)
        caller_answer_error(c, status, text);
    else
        caller_refuse_http(c, status, text);
}

/* 0, or the status of a refusal. */
static unsigned is_refused(struct caller *c, const struct http_command *command, const char **text)
{
    const struct head_field *field = envelope_forbidden(&c->head);

    if (!command) {
        *text = "there is no such command here";
        return 404;
    }
    if (!is_method_known(command, c->head.method)) {
        *text = needs_body(command) ? "send the message by POST" : "ask by GET";
        return 405;
    }
    if (field) {
        *text = "paths and memory of this machine are not read for clients: send the message itself";
        return 400;
    }
    if (command->need >= NEED_TRUST_AND_BODY && !may_change(c)) {
        *text = "this needs the password of the gateway (http.password), or an address in http.trusted";
        return 403;
    }
    if (needs_body(command) && c->request.framing == FRAMING_NONE) {
        *text = "the message is missing: send Content-Length, or chunks";
        return 411;
    }
    return 0;
}

void caller_begin_http(struct caller *c)
{
    const char *text = NULL;
    unsigned status = request_read(&c->head, &c->request, &text);

    if (status) {
        caller_refuse_http(c, status, text);
        return;
    }
    const struct http_command *command = find_command(c->request.path);

    status = is_refused(c, command, &text);
    if (status == 403)
        caller_log_refused(c, span_of(text));
    if (status)
        refuse(c, status, text);
    else if (command->need != NEED_MESSAGE || caller_scan_begin(c))
        caller_expect(c, command->run);
}
