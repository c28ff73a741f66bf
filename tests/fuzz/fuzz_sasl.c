/* tests/fuzz/fuzz_sasl.c - lists of mechanisms from a next hop, and lines of AUTH from clients: no crash, and a login
 * is of printing bytes. The first line is the list; the second the mechanism; the others are answers. */
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/smtp/sasl.h"

static void check_list(struct span list)
{
    for (size_t i = 0; i < list.len; i++)
        if (list.ptr[i] < ' ' || list.ptr[i] > '~')
            BUG("a list that cannot be offered");
    if (list.len >= SASL_LIST_MAX)
        BUG("a list of %zu bytes", list.len);
}

static void check_user(const char *user)
{
    for (; *user; user++)
        if ((unsigned char)*user < ' ' || *user == 0x7f)
            BUG("byte %d in a login", *user);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_make((const char *)data, size), line = { 0 };
    char list[SASL_LIST_MAX];
    struct sasl x;

    span_cut(&rest, '\n', &line);
    sasl_filter(line, SPAN(SASL_ALL), list);
    check_list(span_of(list));
    span_cut(&rest, '\n', &line);
    if (!sasl_begin(&x, line, span_of(list)))
        return 0;
    while (rest.len && span_cut(&rest, '\n', &line)) {
        char *copy = malloc(line.len + 1); /* of its own, so that a read past it is seen */

        if (line.len)
            memcpy(copy, line.ptr, line.len);
        if (sasl_take(&x, span_make(copy, line.len)) && !x.user[0])
            BUG("an exchange without a login");
        check_user(x.user);
        free(copy);
    }
    return 0;
}
