/* core/symbol_conf.c - what the operator says of a symbol. */
#include "gateway/core/symbol_conf.h"

#include "gateway/conf/value.h"

bool symbol_is_name(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if (!ascii_is_alnum(text[i]) && text[i] != '_')
            return false;
    return len && len <= SYMBOL_NAME_MOST;
}

const char *symbol_of_title(struct arena *a, const char *prefix, const char *title)
{
    char *symbol = arena_printf(a, "%s%.*s", prefix, SYMBOL_NAME_MOST - (int)strlen(prefix), title);

    for (char *c = symbol; *c; c++)
        *c = !ascii_is_alnum(*c) ? '_' : *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c;
    return symbol;
}

bool reply_text_fits(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] > '~')
            return false;
    return text.len <= REPLY_TEXT_MOST;
}

const char *reply_text_wrong(const char *text)
{
    return reply_text_fits(span_of(text))
               ? NULL
               : "text is more than 300 characters, or others than ASCII's; shorten it: it stands in a reply";
}

const char *maybe_points_parse(struct arena *a, const char *text, void *out)
{
    static const struct conf_key key = { .name = "points", .type = CONF_POINTS };
    const struct conf_item item = { .text = text };
    struct maybe_points *points = out;
    size_t at;

    points->is_said = true;
    return conf_value(a, &key, &item, 1, &points->points, &at);
}

bool force_action(int force, enum mode mode, enum action *out)
{
    static const enum action actions[] = {
        [FORCE_TAG] = ACTION_TAG,       [FORCE_DEFER] = ACTION_DEFER,     [FORCE_QUARANTINE] = ACTION_QUARANTINE,
        [FORCE_REJECT] = ACTION_REJECT, [FORCE_DISCARD] = ACTION_DISCARD, [FORCE_ACCEPT] = ACTION_ACCEPT,
    };

    if (force == FORCE_NOTHING || mode < MODE_TAG || (force == FORCE_ACCEPT && mode == MODE_TAG))
        return false;
    *out = mode == MODE_TAG ? ACTION_TAG : actions[force];
    return true;
}

void force_bounds(int force, enum mode mode, struct bounds *out)
{
    enum action action;

    if (!force_action(force, mode, &action))
        return;
    *(action == ACTION_ACCEPT ? &out->may_force_accept : &out->may_force_reject) = true;
    out->may_force_discard |= action == ACTION_DISCARD;
}
