/* net/tls.h - TLS contexts: for our side of STARTTLS, for the next hop's, for other servers'. TLS 1.2 is the least
 * [RFC8996], there is no renegotiation and no compression. Threads: the loop's. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "gateway/base/span.h"

struct tls_context;

enum tls_verify {
    TLS_VERIFY_NONE, /* encrypt, whoever answers */
    TLS_VERIFY_NAME, /* certificate chain to `ca_file` (the system's when NULL) and host name [RFC6125] */
};

/* tls_server_new, tls_client_new - NULL on failure, with a sentence for the operator in `error` (size bytes). */
struct tls_context *tls_server_new(const char *cert_file, const char *key_file, char *error, size_t size);
struct tls_context *tls_client_new(enum tls_verify verify, const char *ca_file, char *error, size_t size);
/* tls_client_identify - the certificate that we show to a server that asks for one. FAULT_UNKNOWN and a sentence in
 * `error` when the files will not do. */
enum fault tls_client_identify(struct tls_context *tls, const char *cert_file, const char *key_file, char *error,
                               size_t size);
void tls_context_free(struct tls_context *tls); /* NULL is fine; streams that use it keep it alive */

#endif
