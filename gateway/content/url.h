/* content/url.h - URLs and mail addresses as mail readers would follow them: found in text, HTML and header fields,
 * taken apart, normalised.
 *
 * Bounded: URLS_MAX different ones (what nobody sees or clicks on, half of it), URL_BYTES_MAX of each kept,
 * URL_READS_MAX attempts, URL_AGAIN_MAX that came before, URL_HOPS_MAX wrappers inside of each other; what stands in a
 * text behind that is not looked at. Linear in the text, whatever it holds. Nothing is fetched or looked up.
 *
 * URLs are read as browsers read them [WHATWG URL], and then as generously as mail readers, filters and people do.
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
                  URL_DECODED, /* a script or shortcut that is attached */
                  URL_UNSEEN,  /* an HTML element's target that nobody sees, or can click on */
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
                URL_OPAQUE = 1 << 18, /* a safe link whose target only its maker knows (Mimecast, Google's c/) */
};

enum {
    URL_BYTES_MAX = 2048, /* of `text` */
    URLS_MAX = 2000,
    EMAILS_MAX = 1000,
    URL_READS_MAX = 20000,    /* attempts for a message */
    URL_AGAIN_MAX = 100000,   /* times that one comes again which is known, for a message */
    URL_GUESSES_MAX = 200000, /* words with a dot or an at sign that were looked at, for a message */
    URL_HOPS_MAX = 4,         /* wrappers inside of each other */
    URL_INNER_MAX = 4,        /* targets of one wrapper */
    URL_REST_MAX = 16384,     /* of path, query and fragment that is looked at */
};

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
    struct span
        shown; /* what the reader sees for it: anchor text; empty. The most misleading one, when it came often */
    const char *shown_domain; /* registrable, of the first URL in what is shown; "" */
    bool shows_url;           /* that is a URL, or all of what is shown: not a name in a sentence */
    int wrapper;              /* index of the one that it was taken out of; -1 */
    int leads_to;             /* index of the first that was taken out of it; -1 */
    unsigned flags;           /* of enum url_flag */
    unsigned sources;         /* 1 << enum url_source, of all places where it stood; `source` is the first */
    unsigned count;           /* how often it came */
};

struct email {
    struct span local;  /* lower case as HashBLs want it is for who asks them */
    const char *domain; /* A-labels, lower case */
    enum url_source source;
    struct span field; /* the header field's name, for URL_HEADER */
    struct span key;   /* local@domain, all in lower case */
    unsigned sources;
    unsigned count;
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
 * (an HTML target), against `base` (empty: none), shown as `shown`; what it returns stands until the next is added,
 * and is NULL when it is none, is a mail address (which is added), or there is no room. Both unwrap redirectors and
 * safe links. Spans are kept, not copied: they live as long as `a`. */
void urls_in_text(struct arena *a, struct urls *urls, struct span utf8, enum url_source source, struct span field);
/* urls_in_code - adds URLs that a script names, if it says the scheme. */
void urls_in_code(struct arena *a, struct urls *urls, struct span code);
const struct url *urls_add(struct arena *a, struct urls *urls, struct span target, struct span base, struct span shown,
                           enum url_source source, int element);
/* urls_add_email - an address that stood somewhere by itself (a header field). */
void urls_add_email(struct arena *a, struct urls *urls, struct span local, struct span domain, enum url_source source,
                    struct span field);
/* url_data_page - the page that a data: URL holds, decoded; empty when it is none, or no page [RFC2397 3]. */
struct span url_data_page(struct arena *a, struct span url);
/* url_read - one URL taken apart; false: it is none. */
bool url_read(struct arena *a, struct span text, struct url *out);
/* url_flag_name - "schemeless", "userinfo", ...; of one bit. url_source_name - "text", "link", ... */
const char *url_flag_name(unsigned flag);
const char *url_source_name(enum url_source source);

#endif
