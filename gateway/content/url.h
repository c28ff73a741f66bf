/* content/url.h - URLs and mail addresses as mail readers would follow them: found in text, HTML and header fields,
 * taken apart, normalised.
 *
 * Threads: any. Memory: `a`.
 */
#ifndef CONTENT_URL_H
#define CONTENT_URL_H

#include "gateway/base/addr.h"
#include "gateway/base/arena.h"

enum url_source {              /* where it stood */
                  URL_TEXT,    /* plain text */
                  URL_LINK,    /* an HTML element's target: see `element` */
                  URL_SHOWN,   /* HTML's visible text */
                  URL_HIDDEN,  /* HTML's hidden text */
                  URL_HEADER,  /* a header field */
                  URL_WRAPPED, /* inside of another one (redirector, safe link): `wrapper` */
                  URL_DECODED, /* any other decoded part */
};

enum url_flag {                            /* a bit each */
                URL_SCHEMELESS = 1 << 0,   /* www.example.com */
                URL_USERINFO = 1 << 1,     /* http://paypal.com@evil.example/ */
                URL_NUMERIC_HOST = 1 << 2, /* an address, in any of its writings */
                URL_ODD_NUMERIC = 1 << 3,  /* octal, hex, one number, fewer than four */
                URL_IDN = 1 << 4,          /* labels that are not ASCII, or xn-- */
                URL_BAD_IDN = 1 << 5,
                URL_MIXED_SCRIPT = 1 << 6, /* scripts mixed within one label [UTS39 5.1] */
                URL_HOMOGRAPH = 1 << 7,    /* looks like an ASCII name [UTS39 4] */
                URL_ZERO_WIDTH = 1 << 8,
                URL_DIRECTION = 1 << 9, /* bidi controls */
                URL_OBFUSCATED =
                    1 << 10, /* hxxp, [.], (dot), escaped letters in the host, backslashes, extra slashes, blanks */
                URL_PORT = 1 << 11, /* an unusual port */
                URL_ESCAPED_HOST = 1 << 12,
                URL_LONG = 1 << 13, /* over URL_BYTES_MAX: cut */
                URL_SHORTENER = 1 << 14,
                URL_REDIRECTOR = 1 << 15,
                URL_DATA = 1 << 16,   /* data: */
                URL_SCRIPT = 1 << 17, /* javascript:, vbscript: */
};

enum { URL_BYTES_MAX = 2048, URLS_MAX = 2000, EMAILS_MAX = 1000 };

struct url {
    enum url_source source;
    int element;      /* enum html_link_kind, for URL_LINK; else -1 */
    struct span raw;  /* as it stood there */
    struct span text; /* normalised: scheme and host in lower case, escapes that need not be decoded, IDN as A-labels */
    const char *scheme;       /* "http"; "" never */
    const char *host;         /* A-labels or address, lower case, no final dot; "" for mailto:, data: */
    const char *host_unicode; /* the same in U-labels */
    struct addr address;      /* of a numeric host */
    const char *domain;       /* registrable, by the public suffix list; the host itself where there is none */
    unsigned port;            /* 0: unsaid */
    struct span path, query, fragment, userinfo;
    struct span shown;         /* what the reader sees for it: anchor text; empty */
    const struct url *wrapper; /* the one that it was taken out of; NULL */
    unsigned flags;
    unsigned count; /* how often it came */
};

struct email {
    struct span local;  /* lower case as HashBLs want it is for who asks them */
    const char *domain; /* A-labels, lower case */
    enum url_source source;
    struct span field; /* the header field's name, for URL_HEADER */
};

/* All that were found, each once. */
struct urls {
    struct url *items;
    size_t count;
    struct email *emails;
    size_t email_count;
    bool is_cut;             /* there were more */
    size_t room, email_room; /* its own */
    void *seen;              /* its own */
};

/* urls_in_text - adds what a reader would make links of in `utf8`. urls_add - one URL that stood somewhere by itself
 * (an HTML target), against `base` (empty: none), shown as `shown`. Both unwrap redirectors and safe links. */
void urls_in_text(struct arena *a, struct urls *urls, struct span utf8, enum url_source source, struct span field);
const struct url *urls_add(struct arena *a, struct urls *urls, struct span target, struct span base, struct span shown,
                           enum url_source source, int element);
/* url_read - one URL taken apart; false: it is none. */
bool url_read(struct arena *a, struct span text, struct url *out);

#endif
