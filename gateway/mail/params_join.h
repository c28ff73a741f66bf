/* mail/params_join.h - parameters in pieces, and how they are put together [RFC2231]: a part of params_read(). */
#ifndef MAIL_PARAMS_JOIN_H
#define MAIL_PARAMS_JOIN_H

#include "gateway/mail/words.h"

enum { PARAM_NO_SECTION = -1, PARAM_SECTION_MAX = 99999, PARAM_READINGS_MAX = 3 };

/* A parameter as it stands in the field. */
struct param_piece {
    struct span name;  /* lower case, without its stars */
    struct span value; /* without quotes, backslashes and folding */
    int section;       /* 0 and on: of name*0, name*1, ... */
    bool is_extended;  /* name*, name*0* */
    bool is_other_reading;
    bool is_taken;
};

struct param_pieces {
    struct arena *arena;
    struct param_piece *items; /* PARAMS_PIECES_MAX of them */
    size_t count;
    unsigned flaws;
};

/* param_piece_add - `name` with its stars; false: it is left out. */
bool param_piece_add(struct param_pieces *p, struct span name, struct span value, bool is_other_reading);
/* params_join - pieces of one name become one, are decoded, and compared; adds to out->flaws. A piece makes at most
 * PARAM_READINGS_MAX of out->items, which has room for as many, or for PARAMS_MAX. */
void params_join(struct param_pieces *p, struct params *out);

#endif
