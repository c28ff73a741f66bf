/* smtp/proxy_header.h - the PROXY protocol's header, versions 1 (text) and 2 (binary) [proxy-protocol.txt, by haproxy]:
 * whom the proxy in front of us talks to. Pure; spans point into the input.
 */
#ifndef SMTP_PROXY_HEADER_H
#define SMTP_PROXY_HEADER_H

#include "gateway/base/addr.h"

enum { PROXY_V1_MAX = 107, PROXY_V2_MAX = 4096 };

enum proxy_state {
    PROXY_MORE, /* the header goes on in bytes that are not here yet */
    PROXY_DONE,
    PROXY_BAD,
};

struct proxy_header {
    bool is_local;                   /* the proxy itself (a health check), or it does not know; no more is said */
    struct addr client, destination; /* ADDR_NONE: a unix socket */
    unsigned client_port, destination_port;
    struct span unique_id; /* empty: none */
    /* of the client's TLS, which ends at the proxy */
    bool is_tls;
    bool is_certified;          /* the client showed a certificate, and the proxy found it good */
    struct span authority;      /* the name that the client asked for */
    struct span tls_version;    /* "TLSv1.3" */
    struct span tls_cipher;     /* "TLS_AES_256_GCM_SHA384" */
    struct span tls_subject_cn; /* of the certificate */
};

/* proxy_header_parse - at the front of `in`. PROXY_DONE: *took is its length. PROXY_BAD: *why says what is wrong, as
 * the end of a sentence. */
enum proxy_state proxy_header_parse(struct span in, struct proxy_header *out, size_t *took, const char **why);

#endif
