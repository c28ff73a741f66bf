/* mail/tnef_props.c - lists of MAPI properties [MS-OXTNEF 2.1.3.4]. */
#include "gateway/mail/tnef_props.h"

enum { NAMED_FROM = 0x8000, MULTIPLE = 0x1000, GUID_BYTES = 16, NAMED_BY_STRING = 1 };

static bool take(struct mapi_reader *r, size_t bytes, struct span *out)
{
    if (r->rest.len < bytes) {
        r->is_broken = true;
        return false;
    }
    *out = span_first(r->rest, bytes);
    r->rest = span_skip(r->rest, bytes);
    return true;
}

static bool take_number(struct mapi_reader *r, unsigned bytes, uint32_t *out)
{
    struct span raw;

    if (!take(r, bytes, &raw))
        return false;
    *out = little_endian(raw.ptr, bytes);
    return true;
}

/* Bytes that say their length before them, and are filled up to four. The last of a stream may lack its padding. */
static bool take_counted(struct mapi_reader *r, struct span *out)
{
    uint32_t len;

    if (!take_number(r, 4, &len) || !take(r, len, out))
        return false;
    r->rest = span_skip(r->rest, (4 - len % 4) % 4);
    return true;
}

/* Bytes of a value of a type that always has the same, with padding; 0: it says its length. */
static unsigned fixed_bytes(unsigned type)
{
    switch (type) {
    case 0x02: /* short, padded */
    case 0x03:
    case 0x04:
    case 0x0a:
    case 0x0b: return 4;
    case 0x05:
    case 0x06:
    case 0x07:
    case 0x14:
    case 0x40: return 8;
    case 0x48: return 16;
    default: return 0;
    }
}

static bool skip_name(struct mapi_reader *r)
{
    struct span guid, name;
    uint32_t kind, id;

    if (!take(r, GUID_BYTES, &guid) || !take_number(r, 4, &kind))
        return false;
    return kind == NAMED_BY_STRING ? take_counted(r, &name) : take_number(r, 4, &id);
}

static bool take_values(struct mapi_reader *r, unsigned type, struct span *first)
{
    unsigned fixed = fixed_bytes(type & ~(unsigned)MULTIPLE);
    uint32_t count = 1;

    *first = SPAN("");
    if ((fixed == 0 || type & MULTIPLE) && !take_number(r, 4, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct span value;

        if (fixed ? !take(r, fixed, &value) : !take_counted(r, &value))
            return false;
        if (i == 0)
            *first = value;
    }
    return true;
}

void mapi_start(struct mapi_reader *r, struct span list)
{
    *r = (struct mapi_reader){ .rest = list };
    take_number(r, 4, &r->left);
}

bool mapi_next(struct mapi_reader *r, struct mapi_prop *out)
{
    uint32_t type, id;

    if (r->is_broken || r->left == 0)
        return false;
    r->left--;
    if (!take_number(r, 2, &type) || !take_number(r, 2, &id) || (id >= NAMED_FROM && !skip_name(r)) ||
        !take_values(r, type, &out->value))
        return false;
    out->type = type;
    out->id = id;
    return true;
}
