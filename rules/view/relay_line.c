/* rules/view/relay_line.c - one Received field, read as the servers that write them mean it.
 *
 * First what stands in most lines at the same word (by, id, helo=), then the formats in their order; a line that none
 * of them fits is read if an address and a "by" can be found at all.
 */
#include "rules/view/relay_formats.h"

enum { LINE_STEPS = 40000 };

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Blanks joined, at most RELAY_LINE_MAX bytes, without blanks and semicolons at its end. */
static struct span joined(struct arena *a, struct span value)
{
    value = span_first(value, RELAY_LINE_MAX);
    char *out = arena_alloc(a, value.len + 2);
    size_t n = 0;

    for (size_t i = 0; i < value.len; i++)
        if (!is_blank(value.ptr[i]))
            out[n++] = value.ptr[i];
        else if (n > 0 && out[n - 1] != ' ')
            out[n++] = ' ';
    if (n > 0 && out[n - 1] == ' ')
        n--;
    while (n > 0 && out[n - 1] == ';')
        n -= n > 1 && out[n - 2] == ' ' ? 2 : 1;
    return span_make(out, n);
}

static struct span last_word(struct span *rest)
{
    size_t at = span_rfind(*rest, ' ');
    struct span word = at == SPAN_NPOS ? *rest : span_skip(*rest, at + 1);

    *rest = at == SPAN_NPOS ? SPAN("") : span_first(*rest, at);
    return word;
}

static bool all_digits(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_digit(s.ptr[i]))
            return false;
    return s.len > 0;
}

static bool is_clock(struct span word)
{
    struct span part;
    size_t parts = 0;

    for (; span_cut(&word, ':', &part); parts++)
        if (!all_digits(part))
            return false;
    return parts == 2 || parts == 3;
}

/* Without "; Tue, 23 May 2006 13:06:35 -0400" at its end. */
static struct span without_date(struct span line)
{
    struct span rest = line, zone = last_word(&rest), clock = last_word(&rest), year = last_word(&rest);
    struct span month = last_word(&rest), before = rest, day = last_word(&rest);

    if (!zone.len || !is_clock(clock) || !all_digits(year) ||
        !relay_in_words(month, "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"))
        return line;
    struct span name = before;
    size_t digits = day.len;
    while (digits > 0 && ascii_is_digit(day.ptr[digits - 1]))
        digits--;
    if (digits == day.len)
        return line;
    if (digits > 0) { /* "x;23": what is before the number stays */
        rest = span_first(before, before.len - (day.len - digits));
    } else {
        name = rest;
        struct span word = last_word(&name);
        size_t at = word.len < 4 ? 0 : word.len - 4;
        if (relay_in_words(span_skip(word, at), "Mon, Tue, Wed, Thu, Fri, Sat, Sun,") &&
            (at == 0 || word.ptr[at - 1] == ';'))
            rest = span_first(rest, (size_t)(word.ptr + at - rest.ptr));
    }
    size_t n = rest.len;
    while (n > 0 && (rest.ptr[n - 1] == ' ' || rest.ptr[n - 1] == ';'))
        n--;
    bool is_cut_off = n < rest.len || (rest.len < before.len && digits == 0);
    return is_cut_off ? span_first(rest, n) : line;
}

/* "(x)by y" has lost a blank. */
static struct span with_blank_before_by(struct arena *a, struct span line)
{
    size_t at = span_search(line, SPAN(")by "));

    if (at == SPAN_NPOS)
        return line;
    char *out = arena_alloc(a, line.len + 2);
    memcpy(out, line.ptr, at + 1);
    out[at + 1] = ' ';
    memcpy(out + at + 2, line.ptr + at + 1, line.len - at - 1);
    return span_make(out, line.len + 1);
}

/* ---- what stands in most lines at the same words ---- */

static struct span id_in(struct span line)
{
    for (size_t at; (at = span_search(line, SPAN(" id "))) != SPAN_NPOS;) {
        size_t n = 0;

        line = span_skip(line, at + 4);
        struct span rest = span_starts(line, SPAN("<")) ? span_skip(line, 1) : line;
        while (n < rest.len && !memchr(" <>;", rest.ptr[n], 4))
            n++;
        if (n >= 3)
            return span_first(rest, n);
        if (line.len)
            line.ptr--, line.len++; /* its blank may begin the next one */
    }
    return SPAN("");
}

static bool is_helo_byte(char c)
{
    return ascii_is_alnum(c) || (c && strchr("-.^+_&:=?!@%*$\\/", c));
}

static struct span helo_after(struct span line, struct span word)
{
    struct span all = line;

    for (size_t at; (at = span_search(line, word)) != SPAN_NPOS;) {
        const char *here = line.ptr + at;
        size_t n = 0;

        line = span_skip(line, at + word.len);
        if (here > all.ptr && (ascii_is_alnum(here[-1]) || here[-1] == '_'))
            continue;
        while (n < line.len && is_helo_byte(line.ptr[n]))
            n++;
        if (n > 0)
            return span_first(line, n);
    }
    return SPAN("");
}

static struct span helo_in(struct span line)
{
    static const struct span words[] = { { "helo=", 5 }, { "HELO ", 5 }, { "EHLO ", 5 } };
    struct span helo = SPAN("");

    for (size_t i = 0; i < 3 && helo.len == 0; i++)
        helo = helo_after(line, words[i]);
    return helo;
}

static struct span by_in(struct span line)
{
    size_t at = span_search(line, SPAN(" by "));
    struct span rest = at == SPAN_NPOS ? SPAN("") : span_skip(line, at + 4), word;

    return span_word(&rest, &word) ? word : SPAN("");
}

/* The envelope's sender: "envelope-from <a@b>", "return-path: <a@b>"; up to the last letter of the word. */
static bool sender_in(struct span line, struct span *out)
{
    static const struct span words[] = { { "return-path: ", 13 },    { "return-path ", 12 },
                                         { "envelope-sender ", 16 }, { "envelope-sender=", 16 },
                                         { "envelope-from ", 14 },   { "envelope-from=", 14 } };
    size_t first = SPAN_NPOS, skip = 0;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t at = span_isearch(line, words[i]);
        if (at < first) {
            first = at;
            skip = words[i].len;
        }
    }
    if (first == SPAN_NPOS)
        return false;
    struct span rest = span_skip(line, first + skip), word;
    size_t n = rest.len && rest.ptr[0] == ' ' ? 0 : span_word(&rest, &word) ? word.len : 0;
    while (n > 0 && !ascii_is_alnum(word.ptr[n - 1]) && word.ptr[n - 1] != '_')
        n--;
    if (n == 0)
        return false;
    *out = span_first(word, n);
    return true;
}

/* ---- the formats ---- */

/* qmail says what it received with: "SMTP", "RC4-SHA encrypted SMTP", "QMQP"; with an id behind it is another one. */
static bool is_qmails(struct span line)
{
    size_t at = span_search(line, SPAN(" with "));

    if (at == SPAN_NPOS)
        return false;
    for (struct span rest = span_skip(line, at + 5); rest.len;) {
        size_t next = span_find(rest, ' ');

        if (next == SPAN_NPOS)
            return false;
        rest = span_skip(rest, next + 1);
        if ((span_starts(rest, SPAN("SMTP")) || span_starts(rest, SPAN("QMQP"))) &&
            !span_starts(span_skip(rest, 4), SPAN(" id ")))
            return true;
    }
    return false;
}

/* qmail-ldap's " (envelope-sender <a@b>)" stands where others have nothing. */
static struct span without_envelope(struct arena *a, struct span line)
{
    static const struct span word = { " (envelope-sender <", 19 };
    size_t at = span_search(line, word);
    struct span rest = at == SPAN_NPOS ? SPAN("") : span_skip(line, at + word.len);
    size_t end = span_search(rest, SPAN(">)"));

    if (end == SPAN_NPOS || rest.len == 0 || span_find(span_first(rest, end), ' ') != SPAN_NPOS)
        return line;
    rest = span_skip(rest, end + 2);
    char *out = arena_alloc(a, at + rest.len + 1);
    memcpy(out, line.ptr, at);
    memcpy(out + at, rest.ptr, rest.len);
    return span_make(out, at + rest.len);
}

static void take_list(struct relay *relay, struct span list)
{
    size_t at = span_search(list, SPAN("helo="));
    struct span rest = at == SPAN_NPOS ? SPAN("") : span_skip(list, at + 5), word;

    if (rest.len && rest.ptr[0] != ' ' && span_word(&rest, &word))
        relay->helo = word;
    at = span_search(list, SPAN("ident="));
    rest = at == SPAN_NPOS ? SPAN("") : span_skip(list, at + 6);
    if (at != SPAN_NPOS)
        relay->ident = rest.len && rest.ptr[0] != ' ' && span_word(&rest, &word) ? word : SPAN("");
}

/* "IDENT:who@name", "who@name". */
static void take_ident(struct relay *relay)
{
    size_t at = span_find(relay->rdns, '@');

    if (at == SPAN_NPOS)
        return;
    struct span who = span_first(relay->rdns, at);
    relay->ident = span_starts(who, SPAN("IDENT:")) ? span_skip(who, 6) : who;
    relay->rdns = span_skip(relay->rdns, at + 1);
}

static bool flags_allow(const struct relay_format *f, const struct shape_run *run)
{
    struct span name = shape_slot(run, 'r'), list = shape_slot(run, 'x');

    if (f->flags & RELAY_DOTTED &&
        (name.len < 3 || span_find(span_first(span_skip(name, 1), name.len - 2), '.') == SPAN_NPOS))
        return false;
    if (f->flags & RELAY_IS_COMMENT && (list.len < 2 || !ascii_is_alpha(list.ptr[0])))
        return false;
    return !(f->flags & RELAY_IS_YAHOO) || span_ends(shape_slot(run, 'b'), SPAN(".yahoo.com"));
}

static void take_slots(struct relay_reader *r, const struct relay_format *f, const struct shape_run *run)
{
    struct relay *relay = &r->relay;
    struct span *const places[] = { &relay->helo, &relay->rdns, &relay->ip, &relay->by, &relay->ident, &relay->id };
    static const char slots[] = "hribnd";

    for (size_t i = 0; slots[i]; i++)
        if (run->slot[slots[i] - 'a'].ptr)
            *places[i] = run->slot[slots[i] - 'a'];
    if (f->flags & RELAY_SAME_HELO)
        relay->helo = relay->rdns;
    if (f->flags & RELAY_HAS_LIST)
        take_list(relay, shape_slot(run, 'x'));
    if (f->flags & RELAY_HAS_IDENT)
        take_ident(relay);
    if (f->flags & RELAY_HAS_NO_ID)
        relay->id = SPAN("");
    r->looks_up = (f->flags & RELAY_LOOKS_UP) != 0;
    if (f->flags & RELAY_SOFT_NAME && span_is(relay->rdns, "softdnserr")) {
        r->looks_up = false;
        relay->rdns = SPAN("");
    }
    if (f->flags & RELAY_IS_QMAIL && span_is(relay->rdns, "unknown"))
        r->looks_up = false;
}

static void take_xmail(struct relay_reader *r)
{
    struct span id = relay_found(r, " id <{s:a}>", 'a'), sender = relay_found(r, " from <{s:a}>", 'a');

    if (id.len)
        r->relay.id = id;
    if (sender.len) {
        r->relay.envfrom = sender;
        r->relay.has_envfrom = true;
    }
}

/* The first format that fits; RELAY_UNREADABLE: none does. */
static enum relay_reading read_formats(struct relay_reader *r, const struct relay_format *formats, bool are_ignored)
{
    for (const struct relay_format *f = formats; f->shape && r->steps; f++) {
        struct shape_run run = relay_run(r);

        if (f->needs && !relay_has(r, f->needs))
            continue;
        if (f->flags & RELAY_NOT_QMAIL && span_search(r->line, SPAN("(qmail-")) != SPAN_NPOS &&
            relay_has(r, " by {s} (qmail-{s}) with "))
            continue;
        if (f->flags & RELAY_IS_QMAIL) {
            if (!is_qmails(r->line))
                continue;
            run.text = without_envelope(r->a, r->line);
        }
        bool fits = shape_starts(&run, f->shape) && flags_allow(f, &run);
        r->steps = run.steps;
        if (!fits)
            continue;
        if (are_ignored || f->flags & RELAY_IS_IGNORED)
            return RELAY_IGNORED;
        if (f->flags & RELAY_IS_FETCHED)
            return RELAY_FETCHED;
        take_slots(r, f, &run);
        if (f->flags & RELAY_IS_XMAIL)
            take_xmail(r);
        return RELAY_READ;
    }
    return RELAY_UNREADABLE;
}

static enum relay_reading read_makers(struct relay_reader *r)
{
    for (const struct relay_maker *m = relay_makers; m->marks; m++)
        for (size_t i = 0; m->marks[i]; i++)
            if (relay_has(r, m->marks[i]))
                return read_formats(r, m->formats, false);
    return RELAY_UNREADABLE;
}

/* Some word at the start must be a greeting, when nothing else is. */
static struct span first_name(struct span line)
{
    struct span rest = line, word;
    size_t n = span_word(&rest, &word) ? word.len : 0;

    if (rest.len)
        return n ? word : SPAN("");
    while (n > 1 && (ascii_is_alnum(word.ptr[n - 1]) || word.ptr[n - 1] == '-' || word.ptr[n - 1] == '.'))
        n--;
    return n > 1 ? span_first(word, n - 1) : SPAN("");
}

static enum relay_reading read_from(struct relay_reader *r)
{
    enum relay_reading reading;

    r->line = span_skip(r->line, 5);
    r->relay.has_envfrom = sender_in(r->line, &r->relay.envfrom);
    if ((reading = read_formats(r, relay_web_formats, false)) == RELAY_UNREADABLE &&
        (reading = read_makers(r)) == RELAY_UNREADABLE &&
        (reading = read_formats(r, relay_formats, false)) == RELAY_UNREADABLE)
        reading = read_formats(r, relay_ignored, true);
    if (reading == RELAY_UNREADABLE && r->relay.helo.len == 0)
        r->relay.helo = first_name(r->line);
    return reading;
}

static enum relay_reading read_kinds(struct relay_reader *r)
{
    if (span_starts(r->line, SPAN("from ")))
        return read_from(r);
    if (span_starts(r->line, SPAN("FROM "))) {
        r->line = span_skip(r->line, 5);
        return read_formats(r, relay_upper_formats, false);
    }
    if (span_starts(r->line, SPAN("(from "))) {
        r->line = span_skip(r->line, 6);
        return read_formats(r, relay_paren_formats, false);
    }
    return RELAY_UNREADABLE;
}

/* ---- what was read, made fit for rules ---- */

static struct span cleaned(struct arena *a, struct span text)
{
    char *out = arena_alloc(a, text.len + 1);

    for (size_t i = 0; i < text.len; i++)
        out[i] = is_blank(text.ptr[i]) || memchr("\0#[]()<>|", text.ptr[i], 9) ? '!' : text.ptr[i];
    return span_make(out, text.len);
}

static struct span without_angles(struct span text)
{
    while (text.len && (text.ptr[0] == '<' || text.ptr[0] == ' '))
        text = span_skip(text, 1);
    while (text.len && (text.ptr[text.len - 1] == '>' || text.ptr[text.len - 1] == ' '))
        text.len--;
    return text;
}

/* Without "IPv6:", brackets, zone and "::ffff:". */
static struct span plain_address(struct span ip)
{
    if (span_istarts(ip, SPAN("IPv6:")))
        ip = span_skip(ip, 5);
    size_t zone = span_find(ip, '%');
    if (zone != SPAN_NPOS)
        ip = span_first(ip, zone);
    size_t colon = span_rfind(ip, ':');
    struct addr a;
    if (colon != SPAN_NPOS && span_find(ip, '.') != SPAN_NPOS && addr_parse(ip, &a) == 0 && a.family == ADDR_IP4)
        ip = span_skip(ip, colon + 1);
    return ip;
}

static void finish(struct relay_reader *r)
{
    struct relay *relay = &r->relay;

    while (relay->rdns.len && relay->rdns.ptr[relay->rdns.len - 1] == '.')
        relay->rdns.len--;
    if (span_iis(relay->rdns, "unknown") || span_starts(relay->rdns, SPAN("[")))
        relay->rdns = SPAN("");
    if (span_ends(relay->by, SPAN(";")))
        relay->by.len--;
    relay->ip = plain_address(relay->ip);
    if (addr_parse(relay->ip, &relay->address) != 0)
        relay->address = (struct addr){ 0 };
    /* 0.0.0.0 is what servers write that do not know. */
    relay->is_private = addr_is_private(&relay->address) && !span_starts(relay->ip, SPAN("0."));
    relay->has_no_rdns = relay->rdns.len == 0 && r->looks_up;
    relay->envfrom = cleaned(r->a, without_angles(relay->envfrom));
    struct span *const texts[] = { &relay->ip, &relay->rdns, &relay->helo, &relay->by, &relay->ident };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = cleaned(r->a, *texts[i]);
}

/* "from a by b;": nothing but names. */
static bool is_bare(struct span line)
{
    struct shape_run run = { .text = line, .steps = 1000, .is_any_case = true };
    struct span rest = span_skip(line, 5), from, by, who;

    if (!span_istarts(line, SPAN("from ")) || !span_word(&rest, &from) || !span_word(&rest, &by) ||
        !span_iis(by, "by") || !span_word(&rest, &who))
        return false;
    size_t end = span_find(who, ';');
    if (end == 0 || (end == SPAN_NPOS && !span_starts(rest, SPAN(" ;"))))
        return false;
    run.text = from;
    return !shape_starts(&run, "[{d}.{a}]{$}") && !shape_starts(&run, "[{d}]{$}");
}

enum relay_reading relay_read(struct arena *a, struct span value, unsigned *steps, struct relay *out)
{
    struct span line = joined(a, value);
    unsigned granted = *steps < LINE_STEPS ? *steps : LINE_STEPS;
    struct relay_reader r = { .a = a, .steps = granted };
    static const struct span none = { "", 0 };

    r.relay = (struct relay){
        .ip = none, .rdns = none, .helo = none, .by = none, .ident = none, .envfrom = none, .id = none, .auth = none
    };
    if (!span_istarts(line, SPAN("from ")) && !span_istarts(line, SPAN("(from ")))
        return RELAY_IGNORED;
    r.line = line;
    if (relay_has(&r, "{b}with local for{b}") || is_bare(line))
        return RELAY_IGNORED;
    r.line = with_blank_before_by(a, without_date(line));
    r.relay.id = id_in(r.line);
    r.relay.helo = helo_in(r.line);
    r.relay.by = by_in(r.line);
    r.relay.auth = relay_login(&r);
    enum relay_reading reading = read_kinds(&r);
    if (reading == RELAY_UNREADABLE) {
        if (r.relay.ip.len == 0)
            r.relay.ip = relay_found(&r, "[{i:i}]", 'i');
        if (r.relay.ip.len && r.relay.by.len)
            reading = RELAY_READ;
    }
    *steps -= granted - r.steps;
    if (reading == RELAY_READ) {
        finish(&r);
        *out = r.relay;
    }
    return reading;
}
