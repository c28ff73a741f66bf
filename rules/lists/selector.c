/* rules/lists/selector.c - which part of a mail a list is about. */
#include "rules/lists/selector.h"

#include <stdio.h>
#include <string.h>

#include "gateway/base/bug.h"
#include "gateway/content/content.h"
#include "gateway/mail/domain.h"

/* What a source adds its values to. */
struct values {
    struct inquiry *q;
    struct selected *items;
    size_t count, room;
    struct selected beyond; /* where those over the limit go */
};

typedef void source_fn(struct values *v, const char *argument);

static struct selected *add(struct values *v)
{
    if (v->count == SELECTED_MAX)
        return &v->beyond;
    if (v->count == v->room) {
        v->room = v->room ? 4 * v->room : 8;
        v->items = arena_grow(v->q->arena, v->items, v->count, v->room, sizeof *v->items);
    }
    return &v->items[v->count++];
}

static void add_text(struct values *v, struct span text)
{
    if (text.len)
        add(v)->text = span_first(text, SELECTED_TEXT_MOST);
}

static void put_number(struct values *v, struct selected *one, uint64_t number)
{
    *one = (struct selected){ .number = number };
    one->text = span_of(arena_printf(v->q->arena, "%llu", (unsigned long long)number));
}

static void add_address(struct values *v, const struct address *address, struct span name)
{
    struct selected *one = add(v);

    one->address = *address;
    one->text = address->text.len ? address->text : SPAN("<>");
    one->name = name;
}

/* ---- sources ---- */

static void source_ip(struct values *v, const char *argument)
{
    const struct addr *client = &v->q->session->client;

    (void)argument;
    if (client->family == ADDR_NONE)
        return;
    struct selected *one = add(v);

    one->ip = *client;
    one->text = span_of(addr_text(client, arena_alloc(v->q->arena, ADDR_TEXT_MAX)));
}

static void source_helo(struct values *v, const char *argument)
{
    (void)argument;
    add_text(v, v->q->session->helo);
}

static void source_hostname(struct values *v, const char *argument)
{
    (void)argument;
    if (v->q->evidence->iprev.result == AUTH_PASS)
        add_text(v, span_of(v->q->evidence->iprev.name));
}

static void source_user(struct values *v, const char *argument)
{
    (void)argument;
    add_text(v, v->q->session->auth_user);
}

static void add_field(struct values *v, const char *name)
{
    const struct header_index *header = &v->q->message->header;
    size_t count = header_count(header, name);

    for (size_t i = 0; i < count && i < SELECTED_MAX; i++) {
        struct mailbox_list list;

        address_mailboxes(v->q->arena, header_find(header, name, i)->body, &list);
        for (size_t k = 0; k < list.count; k++) {
            unsigned flaws = 0;

            add_address(v, &list.items[k].address,
                        words_decode(v->q->arena, list.items[k].display, SELECTED_TEXT_MOST, &flaws));
        }
    }
}

static void source_from(struct values *v, const char *argument)
{
    if (argument)
        add_field(v, "From");
    else
        add_address(v, &v->q->session->mail_from, SPAN(""));
}

static void source_to(struct values *v, const char *argument)
{
    (void)argument;
    add_field(v, "To");
    add_field(v, "Cc");
}

static void source_reply_to(struct values *v, const char *argument)
{
    (void)argument;
    add_field(v, "Reply-To");
}

static void source_rcpt(struct values *v, const char *argument)
{
    const struct session *s = v->q->session;

    (void)argument;
    for (size_t i = 0; i < s->recipient_count; i++)
        add_address(v, &s->recipients[i].address, SPAN(""));
}

static void source_subject(struct values *v, const char *argument)
{
    (void)argument;
    add_text(v, message_content(v->q->message)->subject);
}

static void source_header(struct values *v, const char *argument)
{
    const struct header_index *header = &v->q->message->header;
    size_t count = header_count(header, argument);

    for (size_t i = 0; i < count && i < SELECTED_MAX; i++) {
        unsigned flaws = 0;

        add_text(v, words_decode(v->q->arena, header_find(header, argument, i)->body, SELECTED_TEXT_MOST, &flaws));
    }
}

static void source_url(struct values *v, const char *argument)
{
    const struct urls *urls = &message_content(v->q->message)->urls;

    (void)argument;
    for (size_t i = 0; i < urls->count; i++)
        add_text(v, urls->items[i].text);
}

static void source_url_host(struct values *v, const char *argument)
{
    const struct urls *urls = &message_content(v->q->message)->urls;

    (void)argument;
    for (size_t i = 0; i < urls->count; i++)
        add_text(v, span_of(urls->items[i].host));
}

static void source_email(struct values *v, const char *argument)
{
    const struct urls *urls = &message_content(v->q->message)->urls;

    (void)argument;
    for (size_t i = 0; i < urls->email_count; i++) {
        const struct email *email = &urls->emails[i];

        if (email->source == URL_HEADER)
            continue; /* from(mime) and reply_to tell */
        const char *text =
            arena_printf(v->q->arena, "%.*s@%s", SPAN_ARG(span_first(email->local, ADDRESS_MAX)), email->domain);
        struct address address;

        if (!address_parse(span_of(text), &address))
            add_address(v, &address, SPAN(""));
    }
}

/* The first piece of every text, then the second of every one that has it, and so on: so a long text keeps none from
 * being looked at. */
static void source_text(struct values *v, const char *argument)
{
    const struct content *content = message_content(v->q->message);
    size_t total = 0, before = SIZE_MAX;

    (void)argument;
    for (size_t at = 0; total != before; at += SELECTED_TEXT_MOST - SELECTED_TEXT_OVERLAP) {
        before = total;
        for (size_t i = 0; i < content->text_count && total < SELECTED_TEXTS_MOST; i++) {
            struct span shown = content->texts[i].shown;
            bool is_new = at == 0 || shown.len > at + SELECTED_TEXT_OVERLAP;
            struct span piece = is_new ? span_first(span_skip(shown, at), SELECTED_TEXT_MOST) : (struct span){ 0 };

            add_text(v, piece);
            total += piece.len;
        }
    }
}

/* Also what names no file and does not say that it is one: a reader that knows its type opens it. */
static bool is_attachment(const struct mime_part *part)
{
    if (part->is_multipart)
        return false;
    if (part->filename[0] || part->disposition == MIME_ATTACHMENT)
        return true;
    return span_starts(span_of(part->type), SPAN("application/")) && !part->children;
}

static void source_attachment(struct values *v, const char *argument)
{
    const struct mime_tree *tree = message_mime(v->q->message);

    (void)argument;
    for (size_t i = 0; i < tree->count; i++) {
        struct mime_part *part = tree->parts[i];

        if (!is_attachment(part))
            continue;
        struct selected *one = add(v);

        one->part = part;
        one->text = span_of(part->filename);
    }
}

static void source_size(struct values *v, const char *argument)
{
    (void)argument;
    put_number(v, add(v), v->q->message->bytes.len);
}

enum wants { NO_ARGUMENT, MAY_BE_MIME, WANTS_FIELD };

static const struct source {
    const char *name;
    enum select_type type;
    enum wants wants;
    source_fn *collect;
} sources[] = {
    { "ip", SELECT_IP, NO_ARGUMENT, source_ip },
    { "helo", SELECT_DOMAIN, NO_ARGUMENT, source_helo },
    { "hostname", SELECT_DOMAIN, NO_ARGUMENT, source_hostname },
    { "user", SELECT_TEXT, NO_ARGUMENT, source_user },
    { "from", SELECT_ADDRESS, MAY_BE_MIME, source_from },
    { "rcpt", SELECT_ADDRESS, NO_ARGUMENT, source_rcpt },
    { "to", SELECT_ADDRESS, NO_ARGUMENT, source_to },
    { "reply_to", SELECT_ADDRESS, NO_ARGUMENT, source_reply_to },
    { "subject", SELECT_TEXT, NO_ARGUMENT, source_subject },
    { "header", SELECT_TEXT, WANTS_FIELD, source_header },
    { "url", SELECT_TEXT, NO_ARGUMENT, source_url },
    { "url_host", SELECT_DOMAIN, NO_ARGUMENT, source_url_host },
    { "email", SELECT_ADDRESS, NO_ARGUMENT, source_email },
    { "text", SELECT_TEXT, NO_ARGUMENT, source_text },
    { "attachment", SELECT_ATTACHMENT, NO_ARGUMENT, source_attachment },
    { "size", SELECT_NUMBER, NO_ARGUMENT, source_size },
};

static const char source_names[] = "ip, helo, hostname, user, from, from(mime), rcpt, to, reply_to, subject, "
                                   "header(NAME), url, url_host, email, text, attachment or size";

/* ---- what is made of them ---- */

/* false: nothing is left of it. */
typedef bool transform_fn(struct inquiry *q, size_t number, struct selected *one);

static bool make_domain(struct inquiry *q, size_t number, struct selected *one)
{
    (void)q;
    (void)number;
    one->text = one->address.domain;
    return one->text.len;
}

static bool make_local(struct inquiry *q, size_t number, struct selected *one)
{
    (void)q;
    (void)number;
    one->text = one->address.local;
    return one->text.len;
}

static bool make_name(struct inquiry *q, size_t number, struct selected *one)
{
    (void)q;
    (void)number;
    one->text = one->name;
    return one->text.len;
}

static bool make_registrable(struct inquiry *q, size_t number, struct selected *one)
{
    char normal[DOMAIN_MAX];
    const char *organizational;

    (void)number;
    if (domain_normal(one->text, normal) || !(organizational = domain_org_psl(normal)))
        return false;
    one->text = arena_copy(q->arena, span_of(organizational));
    return true;
}

static bool make_file_name(struct inquiry *q, size_t number, struct selected *one)
{
    (void)q;
    (void)number;
    return one->text.len;
}

static bool make_file_type(struct inquiry *q, size_t number, struct selected *one)
{
    (void)q;
    (void)number;
    one->text = span_of(one->part->type);
    return one->text.len;
}

static bool make_file_size(struct inquiry *q, size_t number, struct selected *one)
{
    size_t bytes = mime_bytes(q->message, one->part).len;

    (void)number;
    one->number = bytes;
    one->text = span_of(arena_printf(q->arena, "%zu", bytes));
    return true;
}

static bool make_lower(struct inquiry *q, size_t number, struct selected *one)
{
    char *text = arena_dup(q->arena, one->text);

    (void)number;
    for (size_t i = 0; i < one->text.len; i++)
        text[i] = ascii_lower(text[i]);
    one->text.ptr = text;
    return true;
}

/* Windows leaves out dots and blanks at the end of a name. */
static bool make_extension(struct inquiry *q, size_t number, struct selected *one)
{
    struct span name = one->text;

    (void)q;
    (void)number;
    while (name.len && strchr(". \t", name.ptr[name.len - 1]))
        name.len--;
    size_t dot = span_rfind(name, '.');

    one->text = dot == SPAN_NPOS ? (struct span){ 0 } : span_skip(name, dot + 1);
    return one->text.len;
}

static bool make_first(struct inquiry *q, size_t number, struct selected *one)
{
    (void)q;
    one->text = span_first(one->text, number);
    return one->text.len;
}

static bool make_last(struct inquiry *q, size_t number, struct selected *one)
{
    (void)q;
    one->text = span_skip(one->text, one->text.len > number ? one->text.len - number : 0);
    return one->text.len;
}

static bool make_length(struct inquiry *q, size_t number, struct selected *one)
{
    (void)number;
    one->number = one->text.len;
    one->text = span_of(arena_printf(q->arena, "%zu", one->text.len));
    return true;
}

static const struct transform {
    const char *name;
    enum select_type from, to;
    bool wants_number;
    transform_fn *make;
} transforms[] = {
    { "domain", SELECT_ADDRESS, SELECT_DOMAIN, false, make_domain },
    { "local", SELECT_ADDRESS, SELECT_TEXT, false, make_local },
    { "name", SELECT_ADDRESS, SELECT_TEXT, false, make_name },
    { "registrable", SELECT_DOMAIN, SELECT_DOMAIN, false, make_registrable },
    { "name", SELECT_ATTACHMENT, SELECT_TEXT, false, make_file_name },
    { "type", SELECT_ATTACHMENT, SELECT_TEXT, false, make_file_type },
    { "size", SELECT_ATTACHMENT, SELECT_NUMBER, false, make_file_size },
    { "lower", SELECT_TEXT, SELECT_TEXT, false, make_lower },
    { "extension", SELECT_TEXT, SELECT_TEXT, false, make_extension },
    { "first", SELECT_TEXT, SELECT_TEXT, true, make_first },
    { "last", SELECT_TEXT, SELECT_TEXT, true, make_last },
    { "length", SELECT_TEXT, SELECT_NUMBER, false, make_length },
};

enum { COUNT_STEP = COUNT(transforms), NUMBER_MOST = 65536 }; /* count: of the whole list, whatever its type */

const char *select_type_text(enum select_type type)
{
    static const char *const words[] = { "a text",        "an address", "a domain",
                                         "an IP address", "a number",   "an attachment" };

    return words[type];
}

/* ---- reading ---- */

/* Takes "name" or "name(argument)" off *rest, and the dot behind it. */
static bool take_step(struct span *rest, struct span *name, struct span *argument)
{
    size_t len = 0;

    while (len < rest->len && rest->ptr[len] != '.' && rest->ptr[len] != '(')
        len++;
    *name = span_first(*rest, len);
    *argument = (struct span){ 0 };
    *rest = span_skip(*rest, len);
    if (rest->len && rest->ptr[0] == '(') {
        size_t end = span_find(*rest, ')');

        if (end == SPAN_NPOS)
            return false;
        *argument = span_make(rest->ptr + 1, end - 1);
        *rest = span_skip(*rest, end + 1);
        if (rest->len && rest->ptr[0] != '.')
            return false;
    }
    if (rest->len == 1) /* a dot, and nothing behind it */
        return false;
    *rest = span_skip(*rest, 1);
    return name->len > 0;
}

static const char *read_source(struct arena *a, struct span name, struct span argument, struct selector *out)
{
    unsigned i = 0;

    while (i < COUNT(sources) && !span_is(name, sources[i].name))
        i++;
    if (i == COUNT(sources))
        return arena_printf(a, "%.*s is nothing to select; write %s", SPAN_ARG(name), source_names);
    if (sources[i].wants == WANTS_FIELD && !argument.len)
        return arena_printf(a, "%s selects which field? Write %s(X-Mailer)", sources[i].name, sources[i].name);
    if (argument.ptr && sources[i].wants == NO_ARGUMENT)
        return arena_printf(a, "%s takes nothing in parentheses; write %s", sources[i].name, sources[i].name);
    if (argument.ptr && sources[i].wants == MAY_BE_MIME && !span_is(argument, "mime"))
        return arena_printf(a, "%s is the envelope's, %s(mime) the header field's; write one of them", sources[i].name,
                            sources[i].name);
    out->source = i;
    out->argument = argument.ptr ? arena_dup(a, argument) : NULL;
    out->type = sources[i].type;
    return NULL;
}

static const char *wrong_step(struct arena *a, struct span name, enum select_type type)
{
    const char *known = "count";

    for (size_t i = 0; i < COUNT(transforms); i++)
        if (transforms[i].from == type)
            known = arena_printf(a, "%s, %s%s", known, transforms[i].name, transforms[i].wants_number ? "(N)" : "");
    return arena_printf(a, "%.*s cannot be made of %s; write one of: %s", SPAN_ARG(name), select_type_text(type),
                        known);
}

static const char *read_step(struct arena *a, struct span name, struct span argument, struct selector *out)
{
    struct select_step *step = &out->steps[out->step_count];
    unsigned i = 0;
    uint64_t number = 0;

    while (i < COUNT(transforms) && !(transforms[i].from == out->type && span_is(name, transforms[i].name)))
        i++;
    if (i == COUNT(transforms) && !span_is(name, "count"))
        return wrong_step(a, name, out->type);
    bool wants_number = i < COUNT(transforms) && transforms[i].wants_number;

    if (wants_number && (span_u64(argument, NUMBER_MOST, &number) || !number))
        return arena_printf(a, "%.*s takes a number from 1 to 65536; write %.*s(20)", SPAN_ARG(name), SPAN_ARG(name));
    if (!wants_number && argument.ptr)
        return arena_printf(a, "%.*s takes nothing in parentheses", SPAN_ARG(name));
    *step = (struct select_step){ .transform = i, .number = number };
    out->step_count++;
    out->type = i == COUNT_STEP ? SELECT_NUMBER : transforms[i].to;
    return NULL;
}

const char *selector_parse(struct arena *a, const char *text, struct selector *out)
{
    struct span rest = span_of(text), name, argument;
    const char *wrong;

    *out = (struct selector){ 0 };
    if (!take_step(&rest, &name, &argument))
        return arena_printf(a, "selects nothing; write %s", source_names);
    wrong = read_source(a, name, argument, out);
    while (!wrong && rest.len) {
        if (out->step_count == SELECTOR_STEPS_MAX)
            return "has more than 8 steps; shorten it";
        if (!take_step(&rest, &name, &argument))
            return "has a step that is none; write such as from.domain or subject.first(20)";
        wrong = read_step(a, name, argument, out);
    }
    if (!wrong && out->type == SELECT_ATTACHMENT)
        return "attachment is no text; write attachment.name, attachment.name.extension, attachment.type, "
               "attachment.size or attachment.count";
    return wrong;
}

/* ---- selecting ---- */

/* A list about names is about all that readers may show. */
static void add_other_names(struct values *v)
{
    for (size_t i = 0, count = v->count; i < count; i++) {
        struct mime_part *part = v->items[i].part;

        for (size_t k = 0; part->other_filenames[k]; k++) {
            struct selected *one = add(v);

            one->part = part;
            one->text = span_of(part->other_filenames[k]);
        }
    }
}

static void apply(struct values *v, const struct select_step *step)
{
    size_t kept = 0;

    if (step->transform == COUNT_STEP) {
        kept = v->count;
        v->count = 0;
        put_number(v, add(v), kept);
        return;
    }
    for (size_t i = 0; i < v->count; i++) {
        struct selected one = v->items[i];

        if (transforms[step->transform].make(v->q, step->number, &one))
            v->items[kept++] = one;
    }
    v->count = kept;
    if (transforms[step->transform].make == make_file_name)
        add_other_names(v);
}

size_t selector_values(const struct selector *s, struct inquiry *q, struct selected **out)
{
    struct values v = { .q = q };

    sources[s->source].collect(&v, s->argument);
    for (size_t i = 0; i < s->step_count; i++)
        apply(&v, &s->steps[i]);
    *out = v.items;
    return v.count;
}
