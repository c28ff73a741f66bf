/* rules/composites_conf.c - what composites there are, and their expressions. */
#include "rules/composites_conf.h"

#include "gateway/base/bug.h"
#include "gateway/core/symbol_conf.h"

enum { EXPRESSION_MOST = 4000, ATOMS_MAX = 20000 };

#define AT(member) offsetof(struct composite, member)

static const struct conf_key composite_keys[] = {
    { .name = "expression",
      .type = CONF_STR,
      .at = AT(text_of_expression),
      .is_required = true,
      .help = "over symbols of all checks: & | ! ( ), and or not, counts: \"A & (B | !C)\", \"A + B + C >= 2\"; "
              "names with * and ? and g:CHECK stand for how many there are, g+:CHECK and g-:CHECK for those above and "
              "below 0 points" },
    { .name = "score", .type = CONF_POINTS, .at = AT(points), .initial = "0", .help = "points when it holds" },
    { .name = "describe", .type = CONF_STR, .at = AT(describe), .initial = "", .help = "what it means, for the log" },
    { .name = "policy",
      .type = CONF_ENUM,
      .at = AT(policy),
      .initial = "leave",
      .least = "leave remove_weight remove_symbol",
      .help = "what becomes of the symbols that it names, when it holds: they stay; they count 0; they are not there. "
              "~NAME in the expression: this one counts 0; -NAME: stays; ^NAME: goes, whatever other composites say" },
    { .name = "mode",
      .type = CONF_ENUM,
      .at = AT(mode),
      .initial = "enforce",
      .least = "off shadow tag enforce",
      .help = "off: not there; shadow: recorded, counts nothing; tag: counts, but refuses no mail and leaves all "
              "symbols; enforce: counts" },
    { .name = "action",
      .type = CONF_ENUM,
      .at = AT(action),
      .initial = "score",
      .least = FORCE_WORDS " accept",
      .help = "what becomes of mail for which it holds, whatever the score; score: only the points count" },
    REPLY_TEXT_KEY(AT(text)),
    { .name = "subject",
      .type = CONF_STR,
      .at = AT(subject),
      .initial = "",
      .help = "put before the Subject of mail that is tagged and for which it holds, instead of actions.subject" },
    { 0 },
};

static bool is_name_byte(char c)
{
    return ascii_is_alnum(c) || c == '_';
}

static const char *check_composite(struct arena *a, void *values)
{
    const struct composite *c = values;

    if (!symbol_is_name(c->title) || ascii_is_digit(c->title[0]))
        return arena_printf(a, "\"%.40s\" is no name for a symbol: letters, digits and _, at most 64, no digit first",
                            c->title);
    if (!reply_text_fits(span_of(c->text)) || !reply_text_fits(span_of(c->subject)))
        return "text and subject are ASCII, at most 300 characters";
    return strlen(c->text_of_expression) > EXPRESSION_MOST ? "the expression is longer than 4000 characters" : NULL;
}

static const struct conf_section composite_section = { .name = "composite",
                                                       .help = "a symbol that follows from others",
                                                       .size = sizeof(struct composite),
                                                       .keys = composite_keys,
                                                       .check = check_composite };

/* ---- expressions ---- */

struct compiling {
    struct arena *arena;
    struct composites_conf *conf;
    size_t self, room;
};

static struct composite *composite_at(const struct composites_conf *conf, size_t i)
{
    return (struct composite *)conf->composites.items + i;
}

static size_t composite_named(const struct composites_conf *conf, struct span name)
{
    for (size_t i = 0; i < conf->composites.count; i++)
        if (span_is(name, composite_at(conf, i)->title))
            return i;
    return conf->composites.count;
}

/* "g:", "g+:", "g-:" in front of a check's name. */
static bool cut_group(struct span *rest, int *sign)
{
    static const struct {
        const char *text;
        int sign;
    } groups[] = { { "g:", 0 }, { "g+:", 1 }, { "g-:", -1 } };

    for (size_t i = 0; i < COUNT(groups); i++) {
        if (!span_starts(*rest, span_of(groups[i].text)))
            continue;
        *rest = span_skip(*rest, strlen(groups[i].text));
        *sign = groups[i].sign;
        return true;
    }
    return false;
}

static const char *read_atom(struct span *rest, struct atom *atom, struct span *name)
{
    size_t len = 0;
    bool is_group;

    if (rest->len && strchr("~-^", *rest->ptr)) {
        atom->mark = *rest->ptr;
        *rest = span_skip(*rest, 1);
    }
    is_group = cut_group(rest, &atom->sign);
    while (len < rest->len && (is_name_byte(rest->ptr[len]) || rest->ptr[len] == '*' || rest->ptr[len] == '?'))
        len++;
    *name = span_first(*rest, len);
    *rest = span_skip(*rest, len);
    if (!len || ascii_is_digit(name->ptr[0]))
        return "a name is wanted";
    bool is_pattern = span_find(*name, '*') != SPAN_NPOS || span_find(*name, '?') != SPAN_NPOS;

    if (is_group && is_pattern)
        return "g: wants the name of a check, without * and ?";
    if ((is_group || is_pattern) && atom->mark)
        return "~, - and ^ stand before single symbols";
    atom->kind = is_group ? ATOM_CHECK : is_pattern ? ATOM_PATTERN : ATOM_SYMBOL;
    return NULL;
}

static bool is_same(const struct atom *a, const struct atom *b, struct span name)
{
    return a->owner == b->owner && a->kind == b->kind && a->sign == b->sign && a->mark == b->mark &&
           span_is(name, a->text);
}

/* Of the composite at hand: its atoms are the last ones. */
static const char *add_atom(struct compiling *c, struct atom *atom, struct span name, unsigned *out)
{
    struct composites_conf *conf = c->conf;
    struct composite *self = composite_at(conf, c->self);

    atom->owner = (unsigned)c->self;
    atom->composite = atom->kind == ATOM_SYMBOL ? composite_named(conf, name) : conf->composites.count;
    if (atom->composite < conf->composites.count)
        atom->kind = ATOM_COMPOSITE;
    for (size_t i = conf->atom_count - self->atom_count; i < conf->atom_count; i++)
        if (is_same(&conf->atoms[i], atom, name)) {
            *out = (unsigned)i;
            return NULL;
        }
    if (conf->atom_count == ATOMS_MAX)
        return "all composites together name too many symbols";
    if (conf->atom_count == c->room) {
        c->room = c->room ? c->room * 2 : 64;
        conf->atoms = arena_grow(c->arena, conf->atoms, conf->atom_count, c->room, sizeof *conf->atoms);
    }
    atom->text = arena_dup(c->arena, name);
    *out = (unsigned)conf->atom_count;
    conf->atoms[conf->atom_count++] = *atom;
    self->atom_count++;
    return NULL;
}

static const char *operand(void *arg, struct span *rest, struct expression_step *out)
{
    struct atom atom = { 0 };
    struct span name;
    const char *wrong = read_atom(rest, &atom, &name);

    out->kind = EXPRESSION_OPERAND;
    return wrong ? wrong : add_atom(arg, &atom, name, &out->operand);
}

static const char *compile_one(struct compiling *c)
{
    struct composite *self = composite_at(c->conf, c->self);
    const struct expression_reader reader = { .operand = operand, .arg = c, .is_lax = true, .has_marks = true };
    size_t first = c->conf->atom_count;

    self->atom_count = 0;
    const char *wrong = expression_parse(c->arena, span_of(self->text_of_expression), &reader, &self->expression);

    if (wrong)
        return arena_printf(c->arena, "the expression of composite \"%s\" is not understood: %s", self->title, wrong);
    self->atoms = arena_alloc(c->arena, (self->atom_count + 1) * sizeof *self->atoms);
    for (size_t i = 0; i < self->atom_count; i++)
        self->atoms[i] = (unsigned)(first + i);
    return NULL;
}

/* ---- order ---- */

static size_t count_awaited(const struct composites_conf *conf, const struct composite *c)
{
    size_t awaited = 0;

    for (size_t i = 0; i < c->atom_count; i++)
        awaited += conf->atoms[c->atoms[i]].kind == ATOM_COMPOSITE;
    return awaited;
}

/* Each after those that it names; a circle is refused. */
static const char *put_in_order(struct arena *a, struct composites_conf *conf)
{
    size_t count = conf->composites.count, ready = 0;
    size_t *awaited = arena_alloc(a, (count + 1) * sizeof *awaited);

    conf->order = arena_alloc(a, (count + 1) * sizeof *conf->order);
    for (size_t i = 0; i < count; i++) {
        awaited[i] = count_awaited(conf, composite_at(conf, i));
        if (!awaited[i])
            conf->order[ready++] = i;
    }
    for (size_t done = 0; done < ready; done++)
        for (size_t k = 0; k < conf->atom_count; k++) {
            const struct atom *atom = &conf->atoms[k];

            if (atom->kind == ATOM_COMPOSITE && atom->composite == conf->order[done] && --awaited[atom->owner] == 0)
                conf->order[ready++] = atom->owner;
        }
    for (size_t i = 0; i < count && ready < count; i++)
        if (awaited[i])
            return arena_printf(a, "composite \"%s\" needs itself, by way of others or directly",
                                composite_at(conf, i)->title);
    return NULL;
}

enum removal composite_removal(const struct composite *c, const struct atom *atom, bool *is_forced)
{
    static const enum removal by_policy[] = { REMOVAL_NONE, REMOVAL_WEIGHT, REMOVAL_SYMBOL };

    *is_forced = atom->mark == '^';
    switch (atom->mark) {
    case '^': return REMOVAL_SYMBOL;
    case '~': return REMOVAL_WEIGHT;
    case '-': return REMOVAL_NONE;
    default: return atom->kind == ATOM_SYMBOL || atom->kind == ATOM_COMPOSITE ? by_policy[c->policy] : REMOVAL_NONE;
    }
}

static void list_removable(struct arena *a, struct composites_conf *conf)
{
    const char **list = arena_alloc(a, (conf->atom_count + 1) * sizeof *list);

    for (size_t i = 0; i < conf->atom_count; i++) {
        const struct composite *owner = composite_at(conf, conf->atoms[i].owner);
        bool is_forced;

        if (owner->mode == MODE_ENFORCE && conf->atoms[i].kind == ATOM_SYMBOL &&
            composite_removal(owner, &conf->atoms[i], &is_forced))
            list[conf->removable_count++] = conf->atoms[i].text;
    }
    conf->removable = list;
}

const char *composites_compile(struct arena *a, struct composites_conf *conf)
{
    struct compiling c = { .arena = a, .conf = conf };
    const char *wrong = NULL;

    conf->atom_count = conf->removable_count = 0;
    if (conf->composites.count > COMPOSITES_MAX)
        return "there are more than 1000 composites";
    for (; !wrong && c.self < conf->composites.count; c.self++)
        wrong = compile_one(&c);
    if (!wrong)
        wrong = put_in_order(a, conf);
    if (!wrong)
        list_removable(a, conf);
    return wrong;
}

static const char *check_all(struct arena *a, void *values)
{
    return composites_compile(a, values);
}

static const struct conf_key composites_keys[] = {
    { .name = "composite",
      .type = CONF_SECTIONS,
      .at = offsetof(struct composites_conf, composites),
      .section = &composite_section,
      .help = "a symbol that follows from others" },
    { 0 },
};

const struct conf_section composites_section = {
    .name = "composites",
    .help = "symbols that follow from those of other checks, and what they force",
    .size = sizeof(struct composites_conf),
    .keys = composites_keys,
    .check = check_all,
};
