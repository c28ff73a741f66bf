/* mail/mime_readings.c - all parts read again in the other ways in which readers may take them, and what is packed
 * inside of their texts.
 *
 * Breadth first: readings of parts as the standards have them come before readings of what was found in those. Bounded
 * by parts, by readings of a part, and by the bytes that are passed again.
 */
#include "gateway/mail/mime_parts.h"

static void read_again(struct mime_state *state, struct mime_node *node)
{
    struct mime_way ways[MIME_READINGS_MAX - 1];
    size_t count = mime_ways(state, node, ways, MIME_READINGS_MAX - 1);

    for (size_t i = 0; i < count; i++) {
        struct mime_way *way = arena_alloc(&state->message->arena, sizeof *way);

        *way = ways[i];
        mime_read_again(state, node, way);
    }
}

void mime_readings(struct mime_state *state)
{
    for (struct mime_node *node = state->root; node; node = node->next_made) {
        if (node->is_dropped)
            continue;
        mime_unpack(state, node);
        read_again(state, node);
    }
}
