/* tests/fuzz/fuzz_url.c - one URL: whatever is taken has a host that can be looked up, parts that lie in its normal
 * form, and a normal form that is its own normal form.
 */
#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"
#include "gateway/content/url.h"

static void lies_in(struct span part, struct span whole)
{
    if (part.len && (part.ptr < whole.ptr || part.ptr + part.len > whole.ptr + whole.len))
        BUG("a part lies outside of the URL");
}

static void is_host(const struct url *u)
{
    for (const char *p = u->host; *p; p++)
        if (!(*p >= 'a' && *p <= 'z') && !ascii_is_digit(*p) && !strchr("-_.:", *p))
            BUG("a host has the byte %02x", (unsigned char)*p);
    if (strlen(u->host) < strlen(u->domain))
        BUG("the domain is no part of the host");
    if (!utf8_is_valid(span_of(u->host_unicode)))
        BUG("U-labels are no UTF-8");
}

static void is_stable(struct arena *a, const struct url *u)
{
    struct url again;

    if (u->flags & URL_LONG || (!u->host[0] && strcmp(u->scheme, "data") != 0))
        return;
    if (!url_read(a, u->text, &again))
        BUG("the normal form is no URL");
    if (!span_eq(u->text, again.text) || strcmp(u->host, again.host) != 0)
        BUG("the normal form has another normal form");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct url u;

    arena_init(&a, SIZE_MAX);
    if (url_read(&a, span_make((const char *)data, size), &u)) {
        if (u.text.len > URL_BYTES_MAX || !u.scheme[0])
            BUG("a URL without a scheme, or too long");
        lies_in(u.path, u.text);
        lies_in(u.query, u.text);
        lies_in(u.fragment, u.text);
        lies_in(u.userinfo, u.text);
        is_host(&u);
        is_stable(&a, &u);
    }
    arena_release(&a);
    return 0;
}
