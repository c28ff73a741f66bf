/* tests/fuzz/fuzz_spamd_request.c - requests of spamc and of Exim (RSPAMC) from strangers.
 *
 * The first byte says into which pieces the rest is cut; the second which of the two protocols' first lines stands
 * before it (or none), so that the fields are reached at once.
 */
#include "tests/kit/fuzz_request.h"

static const char *const starts[] = { "",
                                      "CHECK SPAMC/1.5\r\n",
                                      "REPORT SPAMC/1.2\r\n",
                                      "CHECK RSPAMC/1.3\r\n",
                                      "TELL SPAMC/1.5\r\nMessage-class: spam\r\n",
                                      "PROCESS SPAMC/1.5\r\nCompress: zlib\r\n" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strbuf text;
    struct fuzzed request;

    if (size < 3)
        return 0;
    strbuf_init(&text, 4 << 20);
    strbuf_puts(&text, starts[data[1] % COUNT(starts)]);
    strbuf_put(&text, span_make((const char *)data + 2, size - 2));
    take_request(strbuf_span(&text), text.len + 1, &request);
    if (data[1] % COUNT(starts) && request.protocol == PROTOCOL_HTTP && !request.wrong)
        BUG("another protocol than its first line says");
    strbuf_release(&request.message);
    check_cuts(strbuf_span(&text), (size_t)data[0] + 1);
    strbuf_release(&text);
    return 0;
}
