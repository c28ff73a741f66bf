/* content/url_parts.h - what the files of content/url share. Nobody else includes it. */
#ifndef CONTENT_URL_PARTS_H
#define CONTENT_URL_PARTS_H

#include "gateway/content/url.h"
#include "gateway/mail/domain.h"

/* url_host - reads a host as it was written, without port and userinfo: sets host, host_unicode, address, domain, and
 * adds flags. False: nobody could go there. */
bool url_host(struct arena *a, struct span written, struct url *out);
/* url_is_known_tld - of a host in normal form: its last label is one that registries sell under. */
bool url_is_known_tld(const char *host);

/* url_take - url_read(), and *rest: path, query and fragment as they were written, at most URL_REST_MAX. */
bool url_take(struct arena *a, struct span text, struct url *out, struct span *rest);
/* url_scheme - the scheme at the start of `text`, up to the colon; "" for none. url_scheme_meant - in lower case, with
 * its disguises ("hxxps") taken off; NULL for one that we do not know. */
struct span url_scheme(struct span text);
const char *url_scheme_meant(struct span written, bool *is_disguised);
/* url_percent_decode - in `a`; the same bytes when there is nothing to decode. */
struct span url_percent_decode(struct arena *a, struct span text);

/* urls_take - adds a URL that stood there as `raw`, and is meant so (the same bytes, or a copy without disguise); and
 * what it wraps. Of `like` count source, element, flags, shown, shown_domain. NULL: it is none, or there is no room. */
const struct url *urls_take(struct arena *a, struct urls *urls, const struct url *like, struct span raw,
                            struct span meant);
/* urls_may_find - whether anything that stands where `like` says could still be added. */
bool urls_may_find(struct arena *a, struct urls *urls, const struct url *like);
/* urls_may_guess - whether another word with a dot or an at sign in it may be looked at. */
bool urls_may_guess(struct arena *a, struct urls *urls);

/* A suffix that was looked up in the public suffix list. */
struct known_tld {
    char label[30];
    unsigned char len; /* 0: free */
    bool is_known;
};

enum { KNOWN_TLDS = 16 };

/* Who is told what was found in a text. */
struct url_finder {
    void (*found)(struct url_finder *f, struct span raw, struct span meant, unsigned flags);
    void (*found_email)(struct url_finder *f, struct span local, struct span domain);
    struct arena *a;
    struct span text;
    struct urls *urls;        /* whose budget it is; NULL: the text is short */
    size_t done;              /* what lies before it was looked at */
    size_t found_end;         /* what lies before it belongs to something that was found */
    size_t token_end;         /* of the token that was looked at last */
    size_t user_at, user_end; /* of the last run of userinfo's characters: behind its last at sign, and its end */
    const struct url *like;
    struct span field;
    struct known_tld tlds[KNOWN_TLDS];
};

/* url_find - what a reader would make links of in f->text. */
void url_find(struct url_finder *f);
/* url_shown_domain - of the first URL in a link's text; "" when there is none. *is_url - it has a scheme, www. or a
 * path, or is all of the text. */
const char *url_shown_domain(struct arena *a, struct span shown, bool *is_url);

/* url_unwrap - the targets that `u` wraps, as they stand in it (decoded), at most URL_INNER_MAX; adds to u->flags. */
size_t url_unwrap(struct arena *a, struct url *u, struct span rest, struct span out[URL_INNER_MAX]);
/* url_is_shortener - of a host in normal form. */
bool url_is_shortener(const char *host);

#endif
