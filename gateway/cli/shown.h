/* cli/shown.h - text of strangers, for a person at a terminal. */
#ifndef CLI_SHOWN_H
#define CLI_SHOWN_H

#include "gateway/base/strbuf.h"

/* cli_put_shown - letters of every script as they are when the terminal takes UTF-8 (as LC_ALL, LC_CTYPE or LANG says),
 * all else but printable ASCII as \xHH: what steers a terminal, what turns the direction of writing, what nobody sees,
 * and what is no UTF-8. A backslash is doubled. At most `most` bytes of input, then "...". */
void cli_put_shown(struct strbuf *b, struct span text, size_t most);

#endif
