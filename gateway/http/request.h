/* http/request.h - what the head of a request asks of the connection: where its body ends, how that is packed, and
 * whether another request may follow.
 *
 * There is one way to tell where a body ends, or the request is refused: Content-Length twice, or beside
 * Transfer-Encoding, or any coding but chunked [RFC9112 6.1, 6.3].
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "gateway/http/head.h"
#include "gateway/http/unpack.h"

enum framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_TO_END };

struct request {
    enum framing framing;
    uint64_t length; /* of FRAMING_LENGTH */
    enum packing packing;
    bool keeps_alive;
    bool expects_continue; /* [RFC9110 10.1.1] */
    struct span path;      /* of HTTP: without query */
};

/* request_read - 0, or the HTTP status of a refusal with a sentence in *wrong. request_read_spam - the same of the two
 * spam protocols, where 0 or not is all that counts. */
unsigned request_read(const struct head *head, struct request *out, const char **wrong);
unsigned request_read_spam(const struct head *head, struct request *out, const char **wrong);

#endif
