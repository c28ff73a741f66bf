/* base/fault.c - the words of faults. */
#include "gateway/base/fault.h"

const char *fault_text(enum fault fault)
{
    switch (fault) {
    case FAULT_NONE: return "none";
    case FAULT_SYNTAX: return "syntax";
    case FAULT_TOO_LONG: return "too long";
    case FAULT_TOO_MANY: return "too many";
    case FAULT_RANGE: return "out of range";
    case FAULT_UNKNOWN: return "unknown";
    case FAULT_IO: return "input or output failed";
    case FAULT_FULL: return "full";
    }
    return "unknown";
}
