/* http/answer.c - what the answers of all protocols share. */
#include "gateway/http/answer.h"

bool answer_is_spam(const struct answer *a)
{
    return a->verdict && (a->verdict->action == ACTION_TAG || a->verdict->action >= ACTION_QUARANTINE);
}

void answer_prepare(struct answer *a)
{
    struct dress_conf dressed = *a->dress;

    edits_init(&a->edits, a->arena);
    if (!a->verdict)
        return;
    struct verdict shown = *a->verdict;

    symbols_collect(a->pipeline, a->verdict, a->arena, &a->symbols);
    dressed.received = false; /* the mail server that asks has put its own */
    shown.action = answer_is_spam(a) ? ACTION_TAG : ACTION_ACCEPT;
    dress(a->pipeline, &shown, &dressed, &a->edits);
}

const char *answer_action(const struct answer *a)
{
    static const char *const words[] = {
        [ACTION_ACCEPT] = "no action",  [ACTION_TAG] = "add header",        [ACTION_GREYLIST] = "soft reject",
        [ACTION_DEFER] = "soft reject", [ACTION_QUARANTINE] = "quarantine", [ACTION_REJECT] = "reject",
        [ACTION_DISCARD] = "discard",
    };

    if (!a->verdict)
        return "no action";
    return answer_subject(a).len ? "rewrite subject" : words[a->verdict->action];
}

struct span answer_subject(const struct answer *a)
{
    if (a->verdict && a->verdict->action == ACTION_TAG)
        for (size_t i = 0; i < a->edits.count; i++)
            if (a->edits.items[i].op != EDIT_REMOVE && span_iis(a->edits.items[i].header, "Subject"))
                return a->edits.items[i].value;
    return SPAN("");
}

struct span answer_id_of(struct arena *a, const struct message *m)
{
    const struct header_field *field = header_find(&m->header, "Message-ID", 0);
    struct span id = field ? span_trim(header_unfold(a, field->body)) : SPAN("");

    if (id.len >= 2 && id.ptr[0] == '<' && id.ptr[id.len - 1] == '>')
        id = span_first(span_skip(id, 1), id.len - 2);
    return id.len ? id : SPAN("undef");
}

struct span answer_message_id(const struct answer *a)
{
    const struct message *m = a->verdict ? pipeline_message(a->pipeline) : NULL;

    return m ? answer_id_of(a->arena, m) : SPAN("undef");
}

const char *answer_smtp_message(const struct answer *a)
{
    if (!a->verdict || a->verdict->action <= ACTION_TAG)
        return "";
    return pipeline_reply(a->pipeline, a->verdict).text;
}
