/* mail/picker.c - which header fields a signature means.
 *
 * An open hash table of names; the fields of one name are a list from the lowest upwards. `turn` tells whether a
 * name's cursor is of this signature, so that restarting costs nothing.
 */
#include "gateway/mail/picker.h"

struct name_slot {
    const struct header_field *lowest; /* NULL: the slot is free */
    uint32_t hash;
    uint32_t top;  /* index + 1 of the topmost so far */
    uint32_t next; /* index + 1 of the field to be picked next, 0: none */
    uint32_t turn;
};

struct picker {
    const struct header_index *header;
    uint32_t *above; /* by index: index + 1 of the next field upwards of the same name, 0: none */
    struct name_slot *slots;
    uint32_t mask, turn;
};

static uint32_t hash_of(struct span name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)ascii_lower(name.ptr[i])) * 16777619u;
    return hash;
}

static struct name_slot *find_slot(struct picker *p, struct span name, uint32_t hash)
{
    for (uint32_t i = hash & p->mask;; i = (i + 1) & p->mask) {
        struct name_slot *slot = &p->slots[i];

        if (!slot->lowest || (slot->hash == hash && span_ieq(slot->lowest->name, name)))
            return slot;
    }
}

static void add_field(struct picker *p, uint32_t index)
{
    const struct header_field *field = &p->header->fields[index];
    uint32_t hash = hash_of(field->name);
    struct name_slot *slot = find_slot(p, field->name, hash);

    if (slot->lowest)
        p->above[slot->top - 1] = index + 1;
    else
        *slot = (struct name_slot){ .lowest = field, .hash = hash };
    slot->top = index + 1;
}

struct picker *picker_new(struct arena *a, const struct header_index *header)
{
    struct picker *p = arena_alloc(a, sizeof *p);
    uint32_t size = 16;

    while (size < 2 * header->count)
        size *= 2;
    p->header = header;
    p->mask = size - 1;
    p->turn = 1;
    p->above = arena_alloc(a, (header->count + 1) * sizeof *p->above);
    p->slots = arena_alloc(a, size * sizeof *p->slots);
    for (size_t i = header->count; i > 0; i--)
        add_field(p, (uint32_t)(i - 1));
    return p;
}

void picker_restart(struct picker *p)
{
    p->turn++;
}

const struct header_field *picker_next(struct picker *p, struct span name)
{
    struct name_slot *slot = find_slot(p, name, hash_of(name));

    if (!slot->lowest)
        return NULL;
    if (slot->turn != p->turn) {
        slot->turn = p->turn;
        slot->next = (uint32_t)(slot->lowest - p->header->fields) + 1;
    }
    if (!slot->next)
        return NULL;
    const struct header_field *field = &p->header->fields[slot->next - 1];

    slot->next = p->above[slot->next - 1];
    return field;
}
