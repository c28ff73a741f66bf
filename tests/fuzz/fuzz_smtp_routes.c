/* tests/fuzz/fuzz_smtp_routes.c - the file of routes: any bytes as its lines. What is taken is found again by the
 * address or domain that it is for, and has targets that make sense.
 */
#include <stdio.h>

#include "gateway/base/bug.h"
#include "gateway/mail/domain.h"
#include "gateway/smtp/route_file.h"

static void check_route(const struct file_route *route)
{
    if (!route->targets.count || route->targets.count > HOP_TARGETS_MOST)
        BUG("%zu targets", route->targets.count);
    for (size_t i = 0; i < route->targets.count; i++) {
        const struct hop_target *target = &route->targets.items[i];

        if (!target->weight || target->weight > HOP_WEIGHT_MOST || target->priority > HOP_PRIORITY_MOST)
            BUG("priority %u, weight %u", target->priority, target->weight);
        if (span_find(span_of(target->text), ' ') != SPAN_NPOS)
            BUG("words in \"%s\"", target->text);
    }
}

/* A pattern that is an address or a domain, as a recipient of its own. */
static void find_again(const struct route_table *t, struct span pattern)
{
    char text[ACCESS_LINE_MOST + 8], domain[DOMAIN_MAX];
    struct address address;
    struct file_match match;
    bool is_address = span_find(pattern, '@') != SPAN_NPOS && pattern.ptr[0] != '@';

    snprintf(text, sizeof text, "%s%.*s", is_address ? "" : pattern.ptr[0] == '@' ? "x" : "x@", SPAN_ARG(pattern));
    if (address_parse(span_of(text), &address) || domain_normal(address.domain, domain))
        return; /* ".domain", "*", or what no client can say */
    if (!route_table_find(t, &address, domain, "", &match))
        BUG("\"%s\" is not found", text);
    if (is_address && !strchr(match.pattern, '@'))
        BUG("\"%s\" is found as %s", text, match.pattern);
    check_route(match.route);
    route_table_find(t, &address, domain, "+-", &match);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_make((const char *)data, size), line, pattern;
    struct route_table *t = route_reader.make(HOP_TLS_MAY, size / 8);

    for (unsigned number = 1; span_cut(&rest, '\n', &line); number++) {
        if (line.len > ACCESS_LINE_MOST || route_reader.add(t, line, number))
            continue;
        line = access_entry_of(line);
        if (span_word(&line, &pattern))
            find_again(t, pattern);
    }
    route_reader.free(t);
    return 0;
}
