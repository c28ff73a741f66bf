/* tests/bench/bench_dkim.c - verifying DKIM signatures: our engine and libopendkim, by size, in CPU time of one core.
 *
 * Each round takes the message from its bytes: header index, signature, key (ours cached by its text; libopendkim
 * parses it each time, having no cache), body hash, header hash, RSA or Ed25519. usage: bench_dkim [ENGINE]
 */
#include <opendkim/dkim.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gateway/base/bug.h"
#include "gateway/mail/signature.h"
#include "tests/kit/signer.h"

enum { LEAST_CPU_MS = 400 };

static struct arena arena;
static const char *record;
static DKIM_LIB *lib;

static const char *const text_lines[] = {
    "Dear colleagues, the minutes of last week's meeting are attached; please send corrections\r\n",
    "by Friday. The next meeting is on Tuesday at ten o'clock, in the usual place. Bring a friend.\r\n",
    "\r\n",
    "> On Monday somebody wrote: we should measure before we guess, and guess before we argue.\r\n",
};
static const char *const html_lines[] = {
    "      <tr>\r\n",
    "        <td style=\"padding: 0 8px;  margin: 0\" align=\"left\"><a "
    "href=\"https://example.org/x\">more</a></td>\r\n",
    "\t\t<td>&nbsp;</td>   \r\n",
    "      </tr>\r\n",
};

static struct span message_of(const char *const *lines, size_t bytes)
{
    static const char header[] = "Received: from client.example.org (client.example.org [192.0.2.1])\r\n"
                                 "\tby mx.example.net (Postfix) with ESMTPS id 4XyZ\r\n"
                                 "\tfor <a@example.net>; Mon, 23 Nov 2026 06:00:00 +0000 (UTC)\r\n"
                                 "From: Joe <joe@example.org>\r\nTo: a@example.net\r\nSubject: The minutes\r\n"
                                 "Date: Mon, 23 Nov 2026 06:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n"
                                 "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";
    struct strbuf b;

    strbuf_init(&b, 64 << 20);
    strbuf_puts(&b, header);
    for (size_t i = 0; b.len < bytes; i++)
        strbuf_puts(&b, lines[i % 4]);
    struct span out = arena_copy(&arena, strbuf_span(&b));

    strbuf_release(&b);
    return out;
}

static void verify_own(struct span bytes)
{
    static const struct message_limits limits = { 1 << 20, 5000 };
    struct message *m = message_new(bytes, &limits);
    struct span text = span_of(record);
    struct signature s;

    signature_read(&m->arena, SIGNATURE_DKIM, SIGNATURE_TODAY, &m->header.fields[0], &s);
    signature_verify(&s, m, picker_new(&m->arena, &m->header), &text, 1);
    if (s.state != SIGNATURE_PASS)
        BUG("%s", s.reason);
    message_free(m);
}

static DKIM_CBSTAT give_key(DKIM *dkim, DKIM_SIGINFO *sig, u_char *out, size_t size)
{
    (void)dkim;
    (void)sig;
    snprintf((char *)out, size, "%s", record);
    return DKIM_CBSTAT_CONTINUE;
}

static void verify_opendkim(struct span bytes)
{
    static const struct message_limits limits = { 1 << 20, 5000 };
    struct message *m = message_new(bytes, &limits);
    DKIM_STAT status;
    DKIM *dkim = dkim_verify(lib, (const u_char *)"bench", NULL, &status);

    for (size_t i = 0; i < m->header.count; i++)
        dkim_header(dkim, (u_char *)m->header.fields[i].whole.ptr, m->header.fields[i].whole.len - 2);
    dkim_eoh(dkim);
    dkim_body(dkim, (u_char *)m->body.ptr, m->body.len);
    if (dkim_eom(dkim, NULL) != DKIM_STAT_OK)
        BUG("libopendkim: %s", dkim_geterror(dkim));
    dkim_free(dkim);
    message_free(m);
}

static int64_t cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static double rate(void (*verify)(struct span bytes), struct span bytes)
{
    int64_t start = cpu_us(), now;
    unsigned rounds = 0;

    do {
        for (int i = 0; i < 8; i++)
            verify(bytes);
        rounds += 8;
        now = cpu_us();
    } while (now - start < LEAST_CPU_MS * 1000);
    return rounds * 1e6 / (double)(now - start);
}

static void measure(struct signer *signer, const char *what, const char *tags, const char *const *lines)
{
    static const size_t sizes[] = { 1000, 10000, 100000, 1000000 };

    record = signer_record(signer);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct span bytes = signer_signed(signer, &arena, "DKIM-Signature", tags, message_of(lines, sizes[i]));
        double own = rate(verify_own, bytes), other = rate(verify_opendkim, bytes);

        printf("%-30s %8zu bytes  own %8.0f/s %7.0f MB/s   libopendkim %8.0f/s %5.0f MB/s   %5.1f times\n", what,
               bytes.len, own, own * (double)bytes.len / 1e6, other, other * (double)bytes.len / 1e6, own / other);
        fflush(stdout);
    }
}

#define TAGS(a, c) "v=1; a=" a "; c=" c "; d=example.org; s=sel; h=from:to:subject:date:message-id:mime-version"

int main(void)
{
    struct signer *rsa = signer_new(2048), *ed25519 = signer_new(0);

    arena_init(&arena, (size_t)1 << 32);
    lib = dkim_init(NULL, NULL);
    dkim_set_key_lookup(lib, give_key);
    measure(rsa, "rsa2048 relaxed/relaxed", TAGS("rsa-sha256", "relaxed/relaxed"), text_lines);
    measure(rsa, "rsa2048 simple/simple", TAGS("rsa-sha256", "simple/simple"), text_lines);
    measure(rsa, "rsa2048 relaxed/relaxed HTML", TAGS("rsa-sha256", "relaxed/relaxed"), html_lines);
    measure(ed25519, "ed25519 relaxed/relaxed", TAGS("ed25519-sha256", "relaxed/relaxed"), text_lines);
    dkim_close(lib);
    signer_free(rsa);
    signer_free(ed25519);
    arena_release(&arena);
    return 0;
}
