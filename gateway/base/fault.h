/* base/fault.h - what can go wrong with bytes from outside. 0 is no fault; `out` is untouched when there is one. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

enum fault {
    FAULT_NONE = 0,
    FAULT_SYNTAX,   /* does not follow its grammar */
    FAULT_TOO_LONG, /* longer than the limit of its kind */
    FAULT_TOO_MANY, /* more of them than the limit of their kind */
    FAULT_RANGE,    /* a number outside its range */
    FAULT_UNKNOWN,  /* well formed, but of no kind that we know */
    FAULT_IO,       /* the system refused: errno says why */
    FAULT_FULL,     /* a buffer with a maximum has reached it */
};

/* fault_text - a few words, for logs ("syntax", "too long", ...). */
const char *fault_text(enum fault fault);

#endif
