/* tests/fuzz/fuzz_smtp_xclient.c - attributes of XCLIENT and XFORWARD: no crash, and what was taken is clean and short,
 * alone and added up. The first byte chooses the command; each further line is an argument. */
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/smtp/xclient.h"

static void check_text(struct span part, bool is_word)
{
    if (part.len > 255)
        BUG("%zu bytes taken", part.len);
    for (size_t i = 0; i < part.len; i++)
        if ((unsigned char)part.ptr[i] < ' ' || part.ptr[i] == 0x7f || (is_word && part.ptr[i] == ' '))
            BUG("byte %d in what was taken", part.ptr[i]);
}

static void check(const struct xclient *x, bool is_forward)
{
    check_text(x->name, is_forward);
    check_text(x->helo, true);
    check_text(x->login, false);
    check_text(x->ident, is_forward);
    if (!x->given || x->port > 65535 || x->destination_port > 65535)
        BUG("nothing, or too much, was taken");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_make((const char *)data, size), line;
    struct xclient all = { 0 };
    struct arena a;

    if (!size)
        return 0;
    enum xclient_command command = data[0] & 1 ? XFORWARD_COMMAND : XCLIENT_COMMAND;

    arena_init(&a, 1 << 20);
    rest = span_skip(rest, 1);
    while (span_cut(&rest, '\n', &line)) {
        char *copy = malloc(line.len + 1); /* of its own, so that a read past it is seen */
        struct xclient x;

        if (line.len)
            memcpy(copy, line.ptr, line.len);
        if (!xclient_parse(&a, span_make(copy, line.len), command, &x)) {
            if (x.given & ~(unsigned)command)
                BUG("an attribute of the other command");
            xclient_add(&all, &x);
            check(&x, command == XFORWARD_COMMAND);
        }
        free(copy); /* what was taken lies in the arena */
        if (all.given)
            check(&all, command == XFORWARD_COMMAND);
    }
    arena_release(&a);
    return 0;
}
