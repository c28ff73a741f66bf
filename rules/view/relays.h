/* rules/view/relays.h - the way that a message says it has come: Received fields taken apart, and how far to trust
 * them.
 *
 * In the gateway the client that talks to us comes first, as if our own Received field stood in the message already:
 * nobody can forge that one. Where no client's address is known (`postern scan` without one, the scan API without an IP
 * field) the message's own topmost field is the first, as in SpamAssassin behind a mail server.
 *
 * The split follows trusted_networks, internal_networks and msa_networks as Mail::SpamAssassin::Conf documents them;
 * without them the way is trusted while addresses are private or senders were authenticated, or of relay_clients.
 *
 * Bounded: what does not fit into the limits counts as a line that cannot be read.
 *
 * Threads: who holds the message. Memory: `a`. Standards: [RFC5321 4.4], and what mail servers make of it.
 */
#ifndef RULES_RELAYS_H
#define RULES_RELAYS_H

#include "gateway/mail/message.h"
#include "gateway/mail/session.h"
#include "rules/settings.h"

enum { RELAYS_MAX = 200, RELAY_LINE_MAX = 8192 };

/* One handover. Texts are free of blanks and brackets: "!" stands for those. Empty: not said. */
struct relay {
    struct span ip, rdns, helo, by, ident, envfrom, id, auth;
    bool has_envfrom;    /* also as <> */
    bool has_no_rdns;    /* the server looks names up, and found none */
    bool is_private;     /* the address is of a private network */
    bool is_ours;        /* the session's client, in relay_clients */
    bool is_msa;         /* a submission server of ours */
    struct addr address; /* of `ip`; ADDR_NONE: none that can be read */
};

struct relays {
    struct relay *items; /* newest first; trusted ones before the others, internal ones before external ones */
    size_t count, trusted, internal;
    size_t unparseable; /* lines that say of a handover, but not in a way that we know */
    bool has_client;    /* items[0] is the session's client, not of the message */
    bool is_told_again; /* and the message's topmost field tells of him, too */
    /* How many of the message's Received fields, from the top, are trusted (internal), those that say nothing too. */
    size_t trusted_fields, internal_fields;
    /* X-Spam-Relays-Trusted, -Untrusted, -Internal, -External */
    struct span trusted_text, untrusted_text, internal_text, external_text;
};

/* What a line says. */
enum relay_reading { RELAY_READ, RELAY_IGNORED, RELAY_FETCHED, RELAY_UNREADABLE };

/* relay_read - one Received field's value, folded or not. RELAY_IGNORED: it tells of no handover by TCP; RELAY_FETCHED:
 * of fetching from a mailbox: what came before it (above it) was on the way to there. *steps bounds the time of many
 * lines. */
enum relay_reading relay_read(struct arena *a, struct span value, unsigned *steps, struct relay *out);

/* relays_read - `settings` and `session` may be NULL. */
struct relays *relays_read(struct arena *a, const struct header_index *header, const struct session *session,
                           const struct ruleset_settings *settings);

struct scanning;
/* relays_of - the message's, once. relays_sender - the envelope's sender (EnvelopeFrom): the session's, or, when it is
 * not known, what the message's fields say of it; false: nothing does. */
const struct relays *relays_of(struct scanning *s);
bool relays_sender(struct scanning *s, struct span *out);
/* relays_own_field - the handover to us, as our own Received field will tell it: on one line, a blank in front. Rules
 * are written for messages that the last server has signed. Empty: no client is known, or the message tells already. */
struct span relays_own_field(struct scanning *s);

#endif
