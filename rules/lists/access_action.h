/* rules/lists/access_action.h - what stands on the right side of an access map: Postfix's words [Postfix, access(5)].
 *
 * Pure; spans point into the value.
 */
#ifndef RULES_ACCESS_ACTION_H
#define RULES_ACCESS_ACTION_H

#include "gateway/base/span.h"

enum access_verb {
    ACCESS_DUNNO,   /* this map says nothing, also where a wider entry of it would */
    ACCESS_PERMIT,  /* OK, RELAY, digits */
    ACCESS_REJECT,  /* REJECT text, 5NN text */
    ACCESS_DEFER,   /* DEFER text, DEFER_IF_PERMIT text, 4NN text */
    ACCESS_DISCARD, /* DISCARD text */
    ACCESS_HOLD,    /* HOLD text */
    ACCESS_TELL,    /* WARN text, INFO text */
    ACCESS_PREPEND, /* PREPEND name: value */
};

struct access_action {
    enum access_verb verb;
    struct span text; /* for the sender, codes first when it brings them; the header field; the log */
};

/* access_action_parse - NULL, or what is wrong with the value and what to write instead. */
const char *access_action_parse(struct span value, struct access_action *out);
/* access_header - the name and the value of a PREPEND; false when it is no header field. */
bool access_header(struct span text, struct span *name, struct span *value);

#endif
