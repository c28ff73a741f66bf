/* smtp/server_chunk.c - BDAT: the message in chunks [RFC3030].
 *
 * Whatever becomes of a chunk, its bytes are taken as what they are and never as commands, also where there is no
 * transaction. Clients send on without waiting: when a message is refused in its middle, each chunk that still comes
 * gets the same reply, so that whoever listens to the last one only does not hear of an error of its own.
 */
#include "gateway/smtp/server.h"

/* ---- replies ---- */

/* The message is refused before its end: what is left of it is told the same. Where each recipient has his answer they
 * come at its end. */
static void refuse_early(struct server *s, enum reply refused)
{
    uint64_t number = incoming_number(&s->incoming, refused);

    if (s->answers_each) {
        s->state = SERVER_MAIL;
        server_say_number(s, refused, number);
    } else {
        server_refuse_message(s, refused);
    }
    s->chunk.refused = refused;
    s->chunk.refused_number = number;
}

static void refuse_again(struct server *s)
{
    enum reply refused = s->chunk.refused;

    if (s->chunk.is_last)
        s->chunk.refused = REPLY_NONE;
    if (s->chunk.is_last && incoming_is_open(&s->incoming))
        server_refuse_message(s, refused);
    else
        server_say_number(s, refused, s->chunk.refused_number);
}

static void say_out_of_place(struct server *s)
{
    server_say(s, s->chunk.out_of_place);
    server_count_error(s);
}

static void end_good_chunk(struct server *s)
{
    enum reply refused = incoming_refused(&s->incoming);

    if (s->chunk.is_last)
        server_end_message(s);
    else if (refused)
        refuse_early(s, refused);
    else {
        s->state = SERVER_MAIL;
        server_say_number(s, REPLY_CHUNK_TAKEN, s->chunk.bytes);
    }
}

static void end_too_big_chunk(struct server *s)
{
    if (s->chunk.is_last)
        server_refuse_message(s, REPLY_TOO_BIG);
    else
        refuse_early(s, REPLY_TOO_BIG);
}

static void end_chunk(struct server *s)
{
    struct chunk *c = &s->chunk;

    server_set_clock(s, CLOCK_STANDS, 0);
    c->is_taking = false;
    if (c->refused)
        refuse_again(s);
    else if (c->out_of_place)
        say_out_of_place(s);
    else if (c->is_too_big)
        end_too_big_chunk(s);
    else
        end_good_chunk(s);
}

/* ---- bytes ---- */

void server_take_chunk(struct server *s, struct span in)
{
    struct chunk *c = &s->chunk;
    struct span bytes = span_first(in, c->left);

    if (c->refused || c->out_of_place || c->is_too_big)
        c->thrown_away += bytes.len;
    else
        incoming_take(&s->incoming, bytes);
    server_consume(s, bytes.len);
    c->left -= bytes.len;
    if (!c->left)
        end_chunk(s);
}

/* Where the bytes of this chunk go. True when they begin something: a message, or junk. */
static bool place_chunk(struct server *s)
{
    struct chunk *c = &s->chunk;

    c->out_of_place = REPLY_NONE;
    c->is_too_big = false;
    if (c->refused)
        return false;
    c->out_of_place = server_message_is_early(s);
    if (c->out_of_place)
        return true;
    bool is_first = !incoming_is_open(&s->incoming);

    if (is_first)
        server_begin_message(s, s->session->is_binary ? INCOMING_BINARY : INCOMING_CHUNKS);
    c->is_too_big = !incoming_announce(&s->incoming, c->bytes);
    s->state = SERVER_DATA;
    return is_first;
}

/* The time that a message may take runs from its first chunk. */
void server_bdat(struct server *s, const struct smtp_command *command)
{
    struct chunk *c = &s->chunk;

    c->is_last = command->is_last;
    c->bytes = c->left = command->size;
    if (place_chunk(s)) {
        s->data_begun_ms = loop_now_ms(s->door->engine->loop);
        c->thrown_away = 0;
    } else if (server_data_is_late(s)) {
        return;
    }
    c->is_taking = true;
    server_take_chunk(s, SPAN("")); /* it may be empty */
    if (!c->bytes && !c->is_last)
        server_count_junk(s);
}
