/* mail/mime_header.c - what a part's header says of its body [RFC2045 5, 6, 7; RFC2183 2].
 *
 * Of several fields of one name the first counts here; mime_readings.c looks at the others.
 */
#include "gateway/mail/mime_parts.h"

enum { FILENAME_BYTES_MAX = 1024, BOUNDARY_BYTES_MAX = 4096 };

/* ---- which fields ---- */

/* Of too many the last one counts, as to readers that take the last of all. */
static void said_add(struct mime_node *node, struct mime_said *said, const struct header_field *field)
{
    struct span value = span_trim(field->body);

    for (unsigned i = 0; i < said->count; i++)
        if (span_ieq(span_trim(said->fields[i]->body), value))
            return;
    if (said->count < MIME_SAID_MAX)
        said->count++;
    else
        mime_note(node, MIME_READINGS_REACHED);
    said->fields[said->count - 1] = field;
}

static void find_fields(struct mime_node *node)
{
    const struct header_index *h = &node->part.header;
    bool has_version = false;

    for (size_t i = 0; i < h->count; i++) {
        const struct header_field *f = &h->fields[i];

        if (f->name.len < 10 || (ascii_lower(f->name.ptr[0]) != 'c' && ascii_lower(f->name.ptr[0]) != 'm'))
            continue;
        if (span_iis(f->name, "content-type"))
            said_add(node, &node->types, f);
        else if (span_iis(f->name, "content-transfer-encoding"))
            said_add(node, &node->encodings, f);
        else if (span_iis(f->name, "content-disposition"))
            said_add(node, &node->dispositions, f);
        else if (span_iis(f->name, "content-id") && !node->content_id)
            node->content_id = f;
        else if (span_iis(f->name, "mime-version"))
            has_version = true;
    }
    if (!node->part.parent && !has_version && (node->types.count || node->encodings.count))
        mime_note(node, MIME_NO_VERSION);
    if (node->types.count > 1)
        mime_note(node, MIME_DUPLICATE_TYPE);
    if (node->encodings.count > 1)
        mime_note(node, MIME_DUPLICATE_ENCODING);
    if (node->dispositions.count > 1)
        mime_note(node, MIME_DUPLICATE_DISPOSITION);
}

/* ---- values ---- */

/* As a C string: what cannot stand in one is `?`. */
const char *mime_text_of(struct arena *a, struct span value, bool is_lower)
{
    char *text = arena_dup(a, value);

    for (size_t i = 0; i < value.len; i++) {
        if (text[i] == '\0')
            text[i] = '?';
        else if (is_lower)
            text[i] = ascii_lower(text[i]);
    }
    return text;
}

static void note_params(struct mime_node *node, unsigned flaws)
{
    if (flaws & PARAMS_DUPLICATE)
        mime_note(node, MIME_DUPLICATE_PARAM);
    if (flaws & PARAMS_CONFLICT)
        mime_note(node, MIME_PARAM_CONFLICT);
    if (flaws & PARAMS_COMMENT)
        mime_note(node, MIME_COMMENT_IN_PARAM);
    if (flaws & PARAMS_ENCODED)
        mime_note(node, MIME_ENCODED_WORD_PARAM);
    if (flaws & (PARAMS_UNQUOTED | PARAMS_CONTINUATION | PARAMS_SYNTAX | PARAMS_TOO_MANY))
        mime_note(node, MIME_BAD_PARAM);
    if (flaws & PARAMS_CHARSET)
        mime_note(node, MIME_CHARSET_INVALID);
}

static struct span value_of(const struct params *p, const char *name)
{
    const struct param *param = params_find(p, name, 0);

    return param ? param->value : span_make(NULL, 0);
}

bool mime_is_type(struct span type)
{
    size_t slash = span_find(type, '/');

    if (slash == SPAN_NPOS || slash == 0 || slash + 1 == type.len)
        return false;
    for (size_t i = 0; i < type.len; i++)
        if (i != slash && (type.ptr[i] <= ' ' || type.ptr[i] >= 0x7f || memchr("()<>@,;:\\\"/[]?=", type.ptr[i], 15)))
            return false;
    return true;
}

/* Messages inside of others that are read as such [RFC2046 5.2, RFC6532 3.7]. */
static bool is_message_type(const char *type)
{
    return strcmp(type, "message/rfc822") == 0 || strcmp(type, "message/global") == 0 ||
           strcmp(type, "message/news") == 0 || strcmp(type, "message/external-body") == 0;
}

void mime_set_kind(struct mime_node *node)
{
    struct mime_part *part = &node->part;

    part->is_multipart = strncmp(part->type, "multipart/", 10) == 0;
    part->is_message = is_message_type(part->type);
    part->is_html = strcmp(part->type, "text/html") == 0 || strcmp(part->type, "application/xhtml+xml") == 0;
    part->is_rtf = strcmp(part->type, "application/rtf") == 0 || strcmp(part->type, "text/rtf") == 0;
    part->is_text = strncmp(part->type, "text/", 5) == 0 || part->is_html || part->is_rtf ||
                    (strncmp(part->type, "message/", 8) == 0 && !part->is_message);
    if (strcmp(part->type, "message/partial") == 0)
        mime_note(node, MIME_PARTIAL);
    if (strcmp(part->type, "message/external-body") == 0)
        mime_note(node, MIME_EXTERNAL_BODY);
}

/* What may stand in a boundary [RFC2046 5.1.1]. */
static bool is_good_boundary(struct span boundary)
{
    for (size_t i = 0; i < boundary.len; i++)
        if (!ascii_is_alnum(boundary.ptr[i]) && !memchr("'()+_,-./:=? ", boundary.ptr[i], 13))
            return false;
    return boundary.len && boundary.len <= 70 && boundary.ptr[boundary.len - 1] != ' ';
}

static void read_boundary(struct mime_state *state, struct mime_node *node)
{
    const struct param *param = params_find(&node->type_params, "boundary", 0);
    struct span boundary = !param ? SPAN("") : param->is_extended ? param->value : param->raw;

    if (node->way && node->way->boundary.len)
        boundary = node->way->boundary;
    if (boundary.len && !is_good_boundary(boundary))
        mime_note(node, MIME_BOUNDARY_ODD);
    boundary = span_first(boundary, BOUNDARY_BYTES_MAX);
    while (boundary.len && ascii_is_wsp(boundary.ptr[boundary.len - 1]))
        boundary.len--;
    node->part.boundary = mime_text_of(&state->message->arena, boundary, false);
    if (!boundary.len)
        mime_note(node, MIME_NO_BOUNDARY);
    node->has_boundary = boundary.len || (node->way && node->way->has_empty_boundary);
    if (mime_is_packed(node->part.encoding))
        mime_note(node, MIME_MULTIPART_ENCODED);
}

/* Without a type, or with one that is none, it is plain text [RFC2045 5.2], in a digest a message [RFC2046 5.1.5]. */
static void read_type(struct mime_state *state, struct mime_node *node, const struct header_field *field)
{
    struct arena *a = &state->message->arena;
    struct mime_part *part = &node->part;
    struct params *p = &node->type_params;

    part->type = node->is_in_digest ? "message/rfc822" : "text/plain";
    if (field) {
        params_read(a, field->body, p);
        if (mime_is_type(p->value))
            part->type = mime_text_of(a, p->value, true);
        else
            mime_note(node, MIME_BAD_TYPE);
        note_params(node, p->flaws);
        part->charset = mime_text_of(a, value_of(p, "charset"), true);
    }
    if (node->way && node->way->forced_type)
        part->type = node->way->forced_type;
    if (node->way && node->way->charset)
        part->charset = node->way->charset;
    mime_set_kind(node);
    part->is_flowed = strcmp(part->type, "text/plain") == 0 && span_iis(value_of(p, "format"), "flowed");
    part->is_delsp = part->is_flowed && span_iis(value_of(p, "delsp"), "yes");
    if (part->is_multipart)
        read_boundary(state, node);
}

enum mime_encoding mime_encoding_of(struct span value)
{
    static const struct {
        const char *name;
        enum mime_encoding encoding;
    } names[] = {
        { "7bit", MIME_7BIT },      { "base64", MIME_BASE64 },     { "quoted-printable", MIME_QUOTED_PRINTABLE },
        { "8bit", MIME_8BIT },      { "binary", MIME_BINARY },     { "x-uuencode", MIME_UUENCODE },
        { "x-uue", MIME_UUENCODE }, { "uuencode", MIME_UUENCODE }, { "x-yencode", MIME_YENC },
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_iis(value, names[i].name))
            return names[i].encoding;
    return MIME_UNKNOWN;
}

static void read_encoding(struct mime_state *state, struct mime_node *node, const struct header_field *field)
{
    struct params p;

    node->part.encoding = field ? mime_encoding_of(span_trim(field->body)) : MIME_7BIT;
    if (node->way && node->way->has_encoding)
        node->part.encoding = node->way->forced_encoding;
    if (node->part.encoding != MIME_UNKNOWN || !field)
        return;
    params_read(&state->message->arena, field->body, &p); /* comments, or what is behind a `;` */
    node->part.encoding = mime_encoding_of(p.value);
    if (node->part.encoding == MIME_UNKNOWN)
        mime_note(node, MIME_UNKNOWN_ENCODING);
}

static void read_disposition(struct mime_state *state, struct mime_node *node, const struct header_field *field)
{
    struct params *p = &node->disposition_params;

    if (!field)
        return;
    params_read(&state->message->arena, field->body, p);
    note_params(node, p->flaws);
    if (span_iis(p->value, "inline"))
        node->part.disposition = MIME_INLINE;
    else if (p->value.len) /* an unknown one is an attachment [RFC2183 2.8] */
        node->part.disposition = MIME_ATTACHMENT;
}

/* The names that readers may take, those that they prefer first. */
struct names {
    struct arena *arena;
    const char *items[MIME_FILENAMES_MAX + 1]; /* with a NULL behind them */
    size_t count;
    bool is_full;
};

/* Of a very long one its beginning and its end, where its extension is. */
static struct span shortened(struct arena *a, struct span name)
{
    size_t half = FILENAME_BYTES_MAX / 2 - 3, from = name.len - half;

    if (name.len <= FILENAME_BYTES_MAX)
        return name;
    while (half && ((unsigned char)name.ptr[half] & 0xc0) == 0x80)
        half--;
    while (from < name.len && ((unsigned char)name.ptr[from] & 0xc0) == 0x80)
        from++;
    return span_of(arena_printf(a, "%.*s...%.*s", SPAN_ARG(span_first(name, half)), SPAN_ARG(span_skip(name, from))));
}

static void name_add(struct names *n, struct span name)
{
    if (!name.len)
        return;
    const char *text = mime_text_of(n->arena, shortened(n->arena, name), false);

    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->items[i], text) == 0)
            return;
    if (n->count < MIME_FILENAMES_MAX)
        n->items[n->count++] = text;
    else
        n->is_full = true;
}

/* Every value of `param`, and how readers have it that decode no words there, or that end a text at a NUL. */
static void names_add(struct names *n, const struct params *p, const char *param)
{
    const struct param *found;

    for (size_t i = 0; (found = params_find(p, param, i)); i++) {
        size_t nul = span_find(found->value, '\0');

        name_add(n, found->value);
        if (found->is_word_decoded)
            name_add(n, found->raw);
        if (nul != SPAN_NPOS)
            name_add(n, span_first(found->value, nul));
    }
}

/* Those of a field that comes more than once. */
static void names_of_all(struct names *n, const struct mime_said *said)
{
    for (unsigned i = 0; i < said->count; i++) {
        struct params p;

        params_read(n->arena, said->fields[i]->body, &p);
        names_add(n, &p, "filename");
        names_add(n, &p, "name");
    }
}

/* Whether the first name of both fields is not the same. */
static bool names_differ(const struct mime_node *node)
{
    struct span file = value_of(&node->disposition_params, "filename"), name = value_of(&node->type_params, "name");

    return file.len && name.len && !span_eq(file, name);
}

static void read_names(struct mime_state *state, struct mime_node *node)
{
    struct names n = { .arena = &state->message->arena };

    names_add(&n, &node->disposition_params, "filename");
    names_add(&n, &node->type_params, "name");
    if (names_differ(node))
        mime_note(node, MIME_PARAM_CONFLICT);
    names_add(&n, &node->disposition_params, "name"); /* not the standard's, but read */
    if (node->dispositions.count > 1)
        names_of_all(&n, &node->dispositions);
    if (node->types.count > 1)
        names_of_all(&n, &node->types);
    if (n.is_full)
        mime_note(node, MIME_READINGS_REACHED);
    if (!n.count)
        return;
    node->part.filename = n.items[0];
    if (n.count > 1)
        node->part.other_filenames = arena_grow(n.arena, n.items + 1, n.count, n.count, sizeof *n.items);
}

static void read_content_id(struct mime_state *state, struct mime_node *node)
{
    if (!node->content_id)
        return;
    struct span id = span_trim(node->content_id->body);

    if (id.len >= 2 && id.ptr[0] == '<' && id.ptr[id.len - 1] == '>')
        id = span_first(span_skip(id, 1), id.len - 2);
    node->part.content_id = mime_text_of(&state->message->arena, id, false);
}

static const struct header_field *first_of(const struct mime_said *said)
{
    return said->count ? said->fields[0] : NULL;
}

/* What has a name and no type that is one is a file to readers, not the text that the standard has it for. */
static void mend_type(struct mime_node *node)
{
    struct mime_part *part = &node->part;

    if (!mime_has(part, MIME_BAD_TYPE) || (node->way && node->way->forced_type))
        return;
    if (!part->filename[0] && part->disposition != MIME_ATTACHMENT)
        return;
    part->type = "application/octet-stream";
    mime_set_kind(node);
}

void mime_header_facts(struct mime_state *state, struct mime_node *node)
{
    const struct mime_way *way = node->way;

    find_fields(node);
    read_encoding(state, node, way && way->encoding ? way->encoding : first_of(&node->encodings));
    read_type(state, node, way && way->type ? way->type : first_of(&node->types));
    read_disposition(state, node, first_of(&node->dispositions));
    read_names(state, node);
    mend_type(node);
    read_content_id(state, node);
}
