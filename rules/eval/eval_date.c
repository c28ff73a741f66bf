/* rules/eval/eval_date.c - eval functions that compare dates: what Date says with when servers say that they received
 * it.
 *
 * Dates are read as leniently as mail rules expect: parts in any surroundings, what is out of range bent to what is
 * near.
 */
#include <math.h>
#include <stdlib.h>

#include "rules/eval/eval_parts.h"
#include "rules/view/relays.h"

enum { DATE_BYTES_MAX = 1000, DATE_TOKENS_MAX = 40, RECEIVED_DATES_MAX = 200 };

struct eval_dates {
    bool has_header;
    int64_t header;
    size_t received_count;
    int64_t received[RECEIVED_DATES_MAX];
    bool has_fetchmail;
    int64_t fetchmail;
    int64_t difference; /* 0 when it cannot be told */
};

/* The blank-separated words of a date; a word that was understood is taken out. */
struct date_words {
    struct span word[DATE_TOKENS_MAX];
    size_t count;
};

static const struct {
    const char *name;
    int minutes;
} zones[] = {
    { "UT", 0 },      { "UTC", 0 },    { "NDT", -150 }, { "AST", -240 },  { "ADT", -180 },  { "NST", -210 },
    { "EST", -300 },  { "EDT", -240 }, { "CST", -360 }, { "CDT", -300 },  { "MST", -420 },  { "MDT", -360 },
    { "PST", -480 },  { "PDT", -420 }, { "HST", -600 }, { "AKST", -540 }, { "AKDT", -480 }, { "HADT", -540 },
    { "HAST", -600 }, { "GMT", 0 },    { "BST", 60 },   { "IST", 60 },    { "WET", 0 },     { "WEST", 60 },
    { "CET", 60 },    { "CEST", 120 }, { "EET", 120 },  { "EEST", 180 },  { "MSK", 180 },   { "MSD", 240 },
    { "MET", 60 },    { "MEZ", 60 },   { "MEST", 120 }, { "MESZ", 120 },  { "BRST", -120 }, { "BRT", -180 },
    { "AEST", 600 },  { "AEDT", 660 }, { "ACST", 570 }, { "ACDT", 630 },  { "AWST", 480 },  { "NZST", 720 },
    { "NZDT", 780 },  { "JST", 540 },  { "KST", 540 },  { "HKT", 480 },   { "SGT", 480 },   { "PHT", 480 },
    { "IDT", 180 },
};

static bool all_digits(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_digit(s.ptr[i]))
            return false;
    return s.len > 0;
}

static int number_of(struct span digits)
{
    uint64_t n;

    return span_u64(digits, 1000000, &n) == 0 ? (int)n : 1000000;
}

/* 1 to 12; 0: it is no month. */
static int month_of(struct span word)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

    for (int m = 0; word.len == 3 && m < 12; m++)
        if (span_ieq(word, span_make(names + 3 * m, 3)))
            return m + 1;
    return 0;
}

static void split_words(struct span text, char *copy, struct date_words *out)
{
    size_t n = 0;

    out->count = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        copy[n++] = c == ',' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v' ? ' ' : c;
    }
    struct span rest = span_make(copy, n), word;
    while (out->count < DATE_TOKENS_MAX && span_word(&rest, &word))
        out->word[out->count++] = word;
}

static void take_words(struct date_words *w, size_t at, size_t count)
{
    memmove(w->word + at, w->word + at + count, (w->count - at - count) * sizeof *w->word);
    w->count -= count;
}

/* "hh:mm" or "hh:mm:ss"; with `full` only the longer one, of any number of digits. */
static bool is_clock(struct span word, bool full, int *hour, int *minute, int *second)
{
    struct span rest = word, part[3];
    size_t n = 0;

    while (n < 3 && span_cut(&rest, ':', &part[n]))
        if (!all_digits(part[n++]))
            return false;
    if (n < 2 || rest.ptr || (full && n < 3))
        return false;
    if (!full && (part[0].len > 2 || part[1].len != 2 || (n == 3 && part[2].len != 2)))
        return false;
    *hour = number_of(part[0]);
    *minute = number_of(part[1]);
    *second = n == 3 ? number_of(part[2]) : 0;
    return true;
}

/* Day, month, year: "1 Jan 2020", else "Jan 1 10:00:00 2020", else "1 Jan 20". */
static bool take_day(struct date_words *w, int *day, int *month, int *year)
{
    int ignored;

    for (int pass = 0; pass < 3; pass++)
        for (size_t i = 0; i + 2 < w->count; i++) {
            struct span *t = w->word + i;
            bool is_named_first = pass == 1;

            *month = month_of(t[is_named_first ? 0 : 1]);
            if (*month == 0 || !all_digits(t[is_named_first ? 1 : 0]))
                continue;
            size_t at = is_named_first ? 3 : 2, digits = i + at < w->count ? t[at].len : 0;
            if (digits < 2 || !all_digits(t[at]) || (pass < 2 ? digits != 4 : digits > 3))
                continue;
            if (is_named_first && !is_clock(t[2], true, &ignored, &ignored, &ignored))
                continue;
            *day = number_of(t[is_named_first ? 1 : 0]);
            *year = number_of(t[at]);
            if (digits == 2 && *year < 50)
                *year += 2000;
            else if (digits != 4)
                *year += 1900;
            take_words(w, i, at + 1);
            return true;
        }
    return false;
}

static void take_clock(struct date_words *w, int *hour, int *minute, int *second)
{
    *hour = *minute = *second = 0;
    for (size_t i = 0; i < w->count; i++)
        if (is_clock(w->word[i], false, hour, minute, second)) {
            take_words(w, i, 1);
            return;
        }
}

/* The first run of two to four capitals that stands by itself, if it is a zone. */
static int zone_by_name(const struct date_words *w)
{
    for (size_t i = 0; i < w->count; i++) {
        struct span t = w->word[i];

        for (size_t from = 0; from < t.len; from++) {
            size_t to = from;

            while (to < t.len && t.ptr[to] >= 'A' && t.ptr[to] <= 'Z')
                to++;
            bool ends = to == t.len || !(ascii_is_alnum(t.ptr[to]) || t.ptr[to] == '_');
            bool begins = from == 0 || !(ascii_is_alnum(t.ptr[from - 1]) || t.ptr[from - 1] == '_');
            if (begins && ends && to - from >= 2 && to - from <= 4) {
                for (size_t z = 0; z < sizeof zones / sizeof *zones; z++)
                    if (span_is(span_make(t.ptr + from, to - from), zones[z].name))
                        return zones[z].minutes;
                return 0;
            }
            if (to > from)
                from = to - 1;
        }
    }
    return 0;
}

static int zone_minutes(const struct date_words *w)
{
    for (size_t i = 0; i < w->count; i++) {
        struct span t = w->word[i];

        if (t.len == 5 && (t.ptr[0] == '+' || t.ptr[0] == '-') && all_digits(span_skip(t, 1))) {
            int hhmm = number_of(span_skip(t, 1)), minutes = hhmm / 100 * 60 + hhmm % 100;
            return t.ptr[0] == '-' ? -minutes : minutes;
        }
    }
    return zone_by_name(w);
}

/* Days from 1970 to the civil date, by the proleptic Gregorian calendar. */
static int64_t days_to(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year, era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int days_in(int month, int year)
{
    if (month == 4 || month == 6 || month == 9 || month == 11)
        return 30;
    if (month != 2)
        return 31;
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
}

bool eval_date_parse(struct span text, int64_t *out)
{
    char copy[DATE_BYTES_MAX];
    struct date_words w;
    int day, month, year, hour, minute, second;

    split_words(span_first(text, sizeof copy), copy, &w);
    if (!take_day(&w, &day, &month, &year))
        return false;
    take_clock(&w, &hour, &minute, &second);
    int zone = zone_minutes(&w);

    second = second > 59 ? 59 : second;
    minute = minute > 59 ? 59 : minute;
    hour = hour > 23 ? 23 : hour;
    if (day > days_in(month, year)) {
        day = 1;
        if (++month > 12) {
            month = 1;
            year++;
        }
    }
    if (day == 0)
        return false;
    year = year > 2037 ? 2037 : year < 1970 ? 1970 : year;
    int64_t time = days_to(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - (int64_t)zone * 60;
    *out = time < 0 ? 0 : time;
    return true;
}

/* What looks like a date in a Received line: a blank, maybe one more byte, digits, a word of three, digits, a clock
 * time, one more word. */
static bool date_in_received(struct span line, int64_t *out)
{
    struct span rest = line, t[5];
    size_t n = 0;

    while (n < 4 && span_word(&rest, &t[n]))
        n++;
    for (; n == 4 && span_word(&rest, &t[4]); memmove(t, t + 1, 4 * sizeof *t)) {
        int ignored;
        struct span day = t[0].len && !ascii_is_digit(t[0].ptr[0]) ? span_skip(t[0], 1) : t[0];

        if (all_digits(day) && t[1].len == 3 && all_digits(t[2]) && is_clock(t[3], true, &ignored, &ignored, &ignored))
            return eval_date_parse(span_make(t[0].ptr, (size_t)(t[4].ptr + t[4].len - t[0].ptr)), out);
    }
    return false;
}

static bool has_header_date(struct scanning *s, int64_t *out)
{
    static const char *const fields[] = { "Resent-Date", "Date" };
    const struct header_index *h = &s->q->message->header;

    for (size_t f = 0; f < 2; f++)
        for (size_t i = 0; i < h->count; i++)
            if (span_iis(h->fields[i].name, fields[f]) && span_trim(h->fields[i].body).len &&
                eval_date_parse(h->fields[i].body, out))
                return true;
    return false;
}

/* A line of our own machine's: fetchmail's, or qmail's. */
static bool is_local_handover(struct span line)
{
    size_t at = span_search(line, SPAN("qmail "));

    if (at != SPAN_NPOS && span_search(span_skip(line, at), SPAN(" invoked by uid ")) != SPAN_NPOS)
        return true;
    at = span_search(line, SPAN("from "));
    if (at == SPAN_NPOS)
        return false;
    struct span after = span_skip(line, at + 5), word;
    if (span_starts(after, SPAN("localhost")) && after.len > 9 && ascii_is_wsp(after.ptr[9]))
        return true;
    for (int i = 0; i < 3 && span_word(&after, &word); i++)
        if (i > 0 && span_search(word, SPAN("127.0.0.1")) != SPAN_NPOS)
            return true;
    return false;
}

static bool is_fetchmail(struct span line)
{
    size_t at = span_search(line, SPAN("by localhost with "));

    return at != SPAN_NPOS && span_search(span_skip(line, at), SPAN(" (fetchmail-")) != SPAN_NPOS;
}

static void note_local(struct scanning *s, struct eval_dates *d, struct span line)
{
    int64_t time;

    if (date_in_received(line, &time) && time * 1000 <= s->q->now_ms && (!d->has_fetchmail || time > d->fetchmail)) {
        d->has_fetchmail = true;
        d->fetchmail = time;
    }
}

static void read_received(struct scanning *s, struct eval_dates *d)
{
    const struct header_index *h = &s->q->message->header;
    struct span held = { NULL, 0 };
    size_t n = 0;

    if (relays_own_field(s).len) {
        d->received[d->received_count++] = s->q->now_ms / 1000;
        n = 1; /* what is topmost in the message is the second */
    }
    for (size_t i = 0; i < h->count && d->received_count < RECEIVED_DATES_MAX; i++) {
        if (!span_iis(h->fields[i].name, "Received"))
            continue;
        struct span line = header_unfold(s->q->arena, h->fields[i].body);
        if (line.len == 0)
            continue;
        if (n++ == 0 && is_local_handover(line)) {
            held = line; /* the first counts as ours only when fetchmail's own line follows */
            continue;
        }
        if (n <= 2 && (n == 1 || held.ptr) && is_fetchmail(line)) {
            if (held.ptr)
                note_local(s, d, held);
            held.ptr = NULL;
            note_local(s, d, line);
            continue;
        }
        if (held.ptr && date_in_received(held, &d->received[d->received_count]))
            d->received_count++;
        held.ptr = NULL;
        if (d->received_count < RECEIVED_DATES_MAX && date_in_received(line, &d->received[d->received_count]))
            d->received_count++;
    }
    if (held.ptr && d->received_count < RECEIVED_DATES_MAX && date_in_received(held, &d->received[d->received_count]))
        d->received_count++;
}

/* The smallest of the differences; the oldest server's does not count when it is none. */
static int64_t difference_of(const struct eval_dates *d)
{
    size_t count = d->received_count;
    int64_t best = 0;

    if (!d->has_header || count == 0)
        return 0;
    if (count > 1 && d->header == d->received[count - 1])
        count--;
    for (size_t i = 0; i < count; i++) {
        int64_t one = d->header - d->received[i];
        if (i == 0 || llabs(one) < llabs(best))
            best = one;
    }
    return best;
}

static const struct eval_dates *dates_of(struct scanning *s)
{
    struct eval_memo *memo = eval_memo(s);

    if (!memo->dates) {
        struct eval_dates *d = arena_alloc(s->q->arena, sizeof *d);

        d->has_header = has_header_date(s, &d->header);
        read_received(s, d);
        d->difference = difference_of(d);
        memo->dates = d;
    }
    return memo->dates;
}

static bool is_between(double value, const struct rule *rule, double unit)
{
    return (eval_is_unset(rule, 0) || value >= unit * eval_number(rule, 0, 0)) &&
           (eval_is_unset(rule, 1) || value < unit * eval_number(rule, 1, 0));
}

static unsigned shifted_date(struct scanning *s, const struct rule *rule)
{
    return is_between((double)dates_of(s)->difference, rule, 3600);
}

static int latest_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x < y) - (x > y);
}

/* The median of what the message says of its time, against now. */
static unsigned received_within_months(struct scanning *s, const struct rule *rule)
{
    const struct eval_dates *d = dates_of(s);
    int64_t times[4];
    size_t n = 0;

    if (d->has_header)
        times[n++] = d->header;
    if (d->received_count)
        times[n++] = d->received[0];
    if (d->has_fetchmail)
        times[n++] = d->fetchmail;
    if (d->has_header && d->received_count)
        times[n++] = d->header - d->difference;
    qsort(times, n, sizeof *times, latest_first);
    double age = (double)(s->q->now_ms / 1000 - (n ? times[(n - 1) / 2] : 0));
    return is_between(age, rule, 31556952.0 / 12);
}

/* <XXXXtttttttt$XXXXXXXX$XXXXXXXX@: t is a time in Outlook's units. */
static bool outlook_time(struct span id, double *out)
{
    static const char hex[] = "0123456789abcdef";
    double value = 0;

    if (id.len < 32 || id.ptr[0] != '<' || id.ptr[13] != '$' || id.ptr[22] != '$' || id.ptr[31] != '@')
        return false;
    for (size_t i = 1; i < 31; i++) {
        const char *digit = i == 13 || i == 22 ? hex : memchr(hex, id.ptr[i], 16);

        if (!digit)
            return false;
        if (i >= 5 && i < 13)
            value = value * 16 + (double)(digit - hex);
    }
    *out = value;
    return true;
}

static bool is_near(double token, int64_t time)
{
    double expected = trunc((double)time * 0.0023283064365387 + 27111902.8329849);

    return fabs(token - expected) < 250;
}

static unsigned outlook_message_id(struct scanning *s, const struct rule *rule)
{
    static const char *const fields[] = { "X-Message-Id", "Resent-Message-Id", "X-Original-Message-ID", "Message-Id" };
    const struct header_field *date = header_find(&s->q->message->header, "Date", 0);
    const struct header_field *id = NULL;
    double token;
    int64_t time = 0;

    (void)rule;
    for (size_t i = 0; !id && i < 4; i++)
        id = header_find(&s->q->message->header, fields[i], 0);
    if (!id || !outlook_time(span_trim(id->body), &token))
        return 0;
    if (date && !eval_date_parse(date->body, &time))
        time = 0;
    if (is_near(token, time))
        return 0;
    const struct header_field *received = header_find(&s->q->message->header, "Received", 0);
    if (relays_own_field(s).len)
        time = s->q->now_ms / 1000;
    else if (!received || !eval_date_parse(received->body, &time))
        time = 0;
    return !is_near(token, time);
}

#define HEADER SA_PLUGIN("HeaderEval")

const struct eval_function eval_date_functions[] = {
    { "check_for_shifted_date", HEADER, shifted_date, 2, 2 },
    { "received_within_months", HEADER, received_within_months, 2, 2 },
    { "check_outlook_message_id", HEADER, outlook_message_id, 0, 0 },
    { 0 },
};
