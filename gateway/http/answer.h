/* http/answer.h - a verdict in the words of each protocol.
 *
 *     answer_json.c   rspamd's JSON: /checkv2, and the older /check
 *     answer_spam.c   RSPAMC, which Exim reads line by line, and SPAMC
 *
 * Actions are rspamd's words. Greylisted and deferred mail is a "soft reject": what rspamd's greylisting says, and what
 * every client of it takes for a temporary refusal. Threads: the loop's; valid while the transaction is.
 */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "gateway/core/dress.h"
#include "gateway/http/envelope.h"
#include "gateway/http/original.h"
#include "gateway/http/symbols.h"

struct answer {
    struct pipeline *pipeline;
    const struct verdict *verdict; /* NULL: the request wanted none (Flags: skip) */
    const struct actions_conf *actions;
    const struct dress_conf *dress;
    const struct head *head;
    struct envelope_flags flags;
    struct arena *arena;
    struct symbols symbols;
    struct edits edits;
    int64_t took_us;
    const struct lines *lines; /* how those of the message ended as it came */
};

enum { ANSWER_BYTES_MAX = 4 << 20 };

/* answer_prepare - symbols and edits, after verdict, pipeline, actions, dress, head and arena are set. Edits there are
 * whatever the verdict is: what becomes of the message is the client's to say, and one that it delivers all the same
 * must bear our mark, and no forged one. */
void answer_prepare(struct answer *a);
/* answer_is_spam - it would be tagged, or worse. */
bool answer_is_spam(const struct answer *a);
/* answer_action - "no action", "add header", ... */
const char *answer_action(const struct answer *a);
/* answer_subject - the Subject that a tagged message is to get; empty: it keeps its own. */
struct span answer_subject(const struct answer *a);
/* answer_message_id - without <>; "undef" when it has none, as in rspamd. */
struct span answer_message_id(const struct answer *a);
struct span answer_id_of(struct arena *a, const struct message *m);
/* answer_smtp_message - what the sender of a refused message is told; "" when it is not refused. */
const char *answer_smtp_message(const struct answer *a);

void answer_json(const struct answer *a, struct strbuf *out);
/* answer_json_legacy - of /check: the findings stand in "default". */
void answer_json_legacy(const struct answer *a, struct strbuf *out);
void answer_rspamc(const struct answer *a, struct strbuf *out);
/* answer_spamc - head and payload of the reply; the message itself, where one is asked for, in *message. */
void answer_spamc(const struct answer *a, struct strbuf *out, struct original *message);

#endif
