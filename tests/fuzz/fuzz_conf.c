/* tests/fuzz/fuzz_conf.c - gateway.conf from hostile hands: no crash, no leak, faults with a place, and what is shown
 * of a good one loads again as the same configuration. Includes and {file:} are left out: they would read the machine.
 */
#include "gateway/base/bug.h"
#include "tests/kit/sample_conf.h"

static bool touches_files(struct span text)
{
    return span_search(text, SPAN("include")) != SPAN_NPOS || span_search(text, SPAN("{file:")) != SPAN_NPOS;
}

static void load_again(const struct conf *conf, struct strbuf *faults)
{
    struct strbuf shown;
    void *values = NULL;

    strbuf_init(&shown, 1 << 20);
    conf_print(conf, &shown);
    struct conf *again = conf_load_text(&sample_section, "shown", strbuf_span(&shown), &values, faults);

    if (!again)
        BUG("what is shown does not load again: %s%s", faults->data, shown.data);
    if (strcmp(conf_digest(conf), conf_digest(again)) != 0)
        BUG("what is shown is another configuration: %s", shown.data);
    conf_free(again);
    strbuf_release(&shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_make((const char *)data, size);
    struct strbuf faults;
    void *values = NULL;

    if (touches_files(text))
        return 0;
    strbuf_init(&faults, 1 << 20);
    struct conf *conf = conf_load_text(&sample_section, "fuzz", text, &values, &faults);

    if (!conf && span_search(strbuf_span(&faults), SPAN("fuzz:")) != 0)
        BUG("a fault without a place: %s", faults.data ? faults.data : "none");
    if (conf && faults.len)
        BUG("loaded in spite of %s", faults.data);
    if (conf)
        load_again(conf, &faults);
    conf_free(conf);
    strbuf_release(&faults);
    return 0;
}
