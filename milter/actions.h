/* milter/actions.h - what we want of the MTA at the end of a message: header fields changed, replies given.
 *
 * Pure functions of edits and terms. Positions are written so that Postfix and Sendmail understand the same: fields are
 * taken out from the last to the first (Postfix counts without those that are gone, Sendmail with them), before any is
 * put in; and what is put in goes to index 0, on top of all, for any other index counts fields that the MTA has not
 * shown us. Memory: none is kept.
 */
#ifndef MILTER_ACTIONS_H
#define MILTER_ACTIONS_H

#include "gateway/mail/edit.h"
#include "milter/packet.h"

/* actions_edits - `edits` of the message with that header. Returns the SMFIF_... that it would have needed, too: what
 * the MTA does not let us do is left out. */
uint32_t actions_edits(struct strbuf *out, const struct milter_terms *terms, const struct edits *edits,
                       const struct header_index *header);
/* actions_reply - SMFIR_REPLYCODE. `text` may have several lines, separated by LF; `id`: NULL, or of the transaction,
 * which is put behind the last one. */
void actions_reply(struct strbuf *out, unsigned code, const char *enhanced, struct span text, const char *id);
/* actions_quarantine - SMFIR_QUARANTINE. The MTA writes the reason into its queue file and its log: one line it is. */
void actions_quarantine(struct strbuf *out, struct span reason, const char *id);

#endif
