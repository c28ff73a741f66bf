/* milter/packet.h - the packets of the milter protocol: bytes into fields, and fields into bytes.
 *
 * A packet is a length (4 bytes, network order, of what follows), a command (a byte), and data. The commands, answers
 * and flags are those of <libmilter/mfdef.h>, the only thing that we take from libmilter. Whoever is on the other
 * side is trusted with mail, but not with our memory: each length is checked.
 *
 * Pure functions. Memory: what is decoded points into the packet.
 */
#ifndef MILTER_PACKET_H
#define MILTER_PACKET_H

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include "gateway/base/addr.h"
#include "gateway/base/strbuf.h"

enum {
    PACKET_HEAD_BYTES = 5,
    /* of a packet that must be here whole, which is every one but a piece of the body: the longest header field that
     * Postfix sends has 100 KiB unless it is told otherwise */
    PACKET_MOST_BYTES = (1 << 20) + 4096,
    /* no MTA sends larger pieces of a body: SMFIP_MDS_1M is the largest there is */
    PACKET_BODY_MOST_BYTES = 1 << 20,
    MILTER_VERSION_LEAST = 2,
    MILTER_VERSION_MOST = 6,
    MILTER_STAGES = 7, /* that macros can be asked for: SMFIM_CONNECT to SMFIM_EOH */
};

struct packet_head {
    char command;
    size_t bytes; /* of data */
};

/* packet_head - false: fewer than PACKET_HEAD_BYTES are here. FAULT_SYNTAX in *fault for a length of 0 (no command),
 * FAULT_TOO_LONG for one that no MTA sends. */
bool packet_head(struct span in, struct packet_head *out, enum fault *fault);

/* What the MTA offers, and what we take of it. */
struct milter_terms {
    uint32_t version, actions, protocol;
};

/* packet_offer - FAULT_SYNTAX; FAULT_RANGE for versions that nobody speaks any more. What a version 1 or 2 MTA leaves
 * out it can do nevertheless, as libmilter has it. */
enum fault packet_offer(struct span data, struct milter_terms *out);

struct milter_client {
    struct span hostname;
    char family; /* SMFIA_... */
    unsigned port;
    struct addr addr; /* ADDR_NONE: unknown, or local */
};

enum fault packet_client(struct span data, struct milter_client *out);
/* packet_text - the next string with its NUL off the front of *rest; false when there is none. One without its NUL, at
 * the end, is taken as it is. */
bool packet_text(struct span *rest, struct span *out);

struct milter_field {
    struct span name, value; /* the value as it came: with its leading blank only if the MTA was asked for that */
};

enum fault packet_field(struct span data, struct milter_field *out);

/* ---- what we say ---- */

void packet_put(struct strbuf *out, char command, struct span data);
/* packet_put_terms - our answer to an offer; `macros`: what we want to be told at each stage, NULL for what the MTA
 * is configured to tell. */
void packet_put_terms(struct strbuf *out, const struct milter_terms *terms, const char *const macros[MILTER_STAGES]);
/* packet_put_insert - SMFIR_INSHEADER. packet_put_change - SMFIR_CHGHEADER of the index'th field of that name, from 1;
 * an empty value takes it out. Values are folded with CRLF here, with LF in the packet; `is_spaced`: the blank behind
 * the colon is ours to send (SMFIP_HDR_LEADSPC). */
void packet_put_insert(struct strbuf *out, uint32_t index, struct span name, struct span value, bool is_spaced);
void packet_put_change(struct strbuf *out, uint32_t index, struct span name, struct span value, bool is_spaced);
/* packet_put_text - a command with one string: SMFIR_QUARANTINE, SMFIR_REPLYCODE. */
void packet_put_text(struct strbuf *out, char command, struct span text);

#endif
