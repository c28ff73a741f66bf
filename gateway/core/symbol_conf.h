/* core/symbol_conf.h - what the operator says of a symbol, wherever he may: its name, its points, the action that it
 * forces, and the text that goes with it.
 *
 * Pure. Threads: any.
 */
#ifndef CORE_SYMBOL_CONF_H
#define CORE_SYMBOL_CONF_H

#include "gateway/core/check.h"

enum { SYMBOL_NAME_MOST = 64, REPLY_TEXT_MOST = 300 };

/* symbol_is_name - letters, digits and _, at most SYMBOL_NAME_MOST, one at least. */
bool symbol_is_name(const char *text);
/* symbol_of_title - the name that a section of this title gets when it is given none: "MAP_DISK_IMAGES". */
const char *symbol_of_title(struct arena *a, const char *prefix, const char *title);

/* reply_text_fits - it can stand in a reply, and in a header field: ASCII, at most REPLY_TEXT_MOST bytes.
 * reply_text_wrong - NULL, or that it does not. */
bool reply_text_fits(struct span text);
const char *reply_text_wrong(const char *text);

/* Points that the file says, or leaves as they are elsewhere; CONF_CUSTOM with maybe_points_parse. */
struct maybe_points {
    bool is_said;
    int points;
};

const char *maybe_points_parse(struct arena *a, const char *text, void *out);

/* What a symbol forces, in the order of FORCE_WORDS: the words of a key `action`. Where an allow list may be, one more
 * word stands behind them, " accept". */
enum force {
    FORCE_NOTHING,
    FORCE_TAG,
    FORCE_DEFER,
    FORCE_QUARANTINE,
    FORCE_REJECT,
    FORCE_DISCARD,
    FORCE_ACCEPT,
};
#define FORCE_WORDS "score tag defer quarantine reject discard"

/* force_action - what that comes to in that mode: tag can tag and no more, off and shadow do nothing. False: nothing is
 * forced. */
bool force_action(int force, enum mode mode, enum action *out);
/* force_bounds - adds what that may force to what a check may. */
void force_bounds(int force, enum mode mode, struct bounds *out);

/* Keys that are the same wherever a symbol is spoken of; `place` is offsetof() of an int (enum force), and of a
 * const char *. */
#define FORCE_KEY(place, when)                                                                                         \
    {                                                                                                                  \
        .name = "action", .type = CONF_ENUM, .at = (place), .initial = "score", .least = FORCE_WORDS,                  \
        .help = "what becomes of mail " when ", whatever the score; score: only the points count"                      \
    }
#define REPLY_TEXT_KEY(place)                                                                                          \
    {                                                                                                                  \
        .name = "text", .type = CONF_STR, .at = (place), .initial = "",                                                \
        .help =                                                                                                        \
            "what the sender of mail is told that it defers or rejects; may begin with codes: \"550 5.7.1 Go away\""   \
    }

#endif
