/* cli/rates_report.c - buckets as text for people, and as JSON for programs. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/base/strbuf.h"
#include "gateway/cli/rates.h"

enum { LATELY_MS = 3600000 };

static const struct rates_window *window_of(const struct rates_limit *limit, struct span name)
{
    for (size_t i = 0; limit && i < limit->window_count; i++)
        if (span_is(name, limit->windows[i].span))
            return &limit->windows[i];
    return NULL;
}

/* What is missing for one more message, recipient or byte, and how long it takes to leak. */
static int64_t retry_of(const struct rates_row *row, double rate)
{
    double excess = row->state.level + 1 - row->capacity, ms = excess / (rate * row->state.factor);

    if (!(excess > 0))
        return 0;
    return ms < 1e15 ? (int64_t)ms + 1 : INT64_MAX;
}

/* A bucket of bytes with room for one more may have none for a message; one that leaks fast has some at any moment, and
 * too little for who goes on sending. */
static bool is_limited(const struct rates_row *row, int64_t now_ms)
{
    int64_t since_ms = now_ms - row->state.refused_ms;

    if (row->retry_ms > 0)
        return true;
    return row->state.refused_ms > 0 && since_ms < LATELY_MS && since_ms < row->window->per_ms && row->filled >= 0.5;
}

bool rates_row_make(struct rates_row *row, struct span key, struct span value, int64_t now_ms,
                    const struct rates_conf *at_rcpt, const struct rates_conf *at_message)
{
    *row = (struct rates_row){ .key = span_skip(key, 2) };
    if (!rates_name_parse(key, &row->name))
        return false;
    row->limit = rates_find(row->name.is_message ? at_message : at_rcpt, row->name.limit);
    row->window = window_of(row->limit, row->name.window);
    double rate_ms = row->window ? row->window->count / (double)row->window->per_ms : 0;

    if (!row->window)
        row->limit = NULL;
    if (!store_rate_look(value, rate_ms * 1000, now_ms, &row->state))
        return false;
    if (!row->window)
        return true;
    row->capacity = row->window->burst * row->state.factor;
    row->filled = row->capacity > 0 ? row->state.level / row->capacity : 0;
    row->retry_ms = retry_of(row, rate_ms);
    row->is_limited = is_limited(row, now_ms);
    return true;
}

int rates_row_compare(const void *a, const void *b)
{
    const struct rates_row *x = a, *y = b;

    if (x->filled != y->filled)
        return x->filled < y->filled ? 1 : -1;
    if (x->state.refused != y->state.refused)
        return x->state.refused < y->state.refused ? 1 : -1;
    int c = memcmp(x->key.ptr, y->key.ptr, x->key.len < y->key.len ? x->key.len : y->key.len);

    return c ? c : (x->key.len > y->key.len) - (x->key.len < y->key.len);
}

/* ---- for people ---- */

static const char *time_text(int64_t ms, char *out, size_t size)
{
    int64_t s = ms / 1000 + (ms % 1000 > 0);

    if (ms == INT64_MAX)
        snprintf(out, size, "never");
    else if (s < 120)
        snprintf(out, size, "%llds", (long long)s);
    else if (s < 7200)
        snprintf(out, size, "%lldm", (long long)(s + 59) / 60);
    else if (s < 172800)
        snprintf(out, size, "%lldh", (long long)(s + 3599) / 3600);
    else
        snprintf(out, size, "%lldd", (long long)(s + 86399) / 86400);
    return out;
}

/* Keys are ASCII unless somebody else wrote them. */
static void print_escaped(struct span text)
{
    struct strbuf b;

    strbuf_init(&b, 1 << 16);
    strbuf_put_escaped(&b, text, STORE_KEY_MAX);
    fputs(strbuf_span(&b).ptr, stdout);
    strbuf_release(&b);
}

static bool is_bytes(const struct rates_row *row)
{
    return row->limit && row->limit->cost == RATES_BYTE_COST;
}

static const char *retry_text(const struct rates_row *row, char *out, size_t size)
{
    return !row->window ? "" : row->retry_ms ? time_text(row->retry_ms, out, size) : "-";
}

void rates_print_list(const struct rates_row *rows, size_t count)
{
    struct arena a;

    arena_init(&a, SIZE_MAX);
    printf("%6s %21s %8s %9s  %s\n", "FILLED", "LEVEL", "ROOM IN", "REFUSED", "KEY");
    for (size_t i = 0; i < count; i++) {
        const struct rates_row *row = &rows[i];
        char retry[32], level[64] = "not configured";

        if (row->window)
            snprintf(level, sizeof level, "%s of %s", rates_count_text(&a, row->state.level, is_bytes(row)),
                     rates_count_text(&a, row->capacity, is_bytes(row)));
        printf("%5.0f%% %21s %8s %9.0f  ", 100 * row->filled, level, retry_text(row, retry, sizeof retry),
               row->state.refused);
        print_escaped(row->key);
        putchar('\n');
        arena_clear(&a);
    }
    arena_release(&a);
}

static void print_refusals(const struct rates_row *row, int64_t now_ms)
{
    char when[CLOCK_TEXT_MAX], ago[32];

    printf("  refused   %.0f", row->state.refused);
    if (row->state.refused_ms > 0)
        printf(", the last one %s (%s ago)", clock_iso(row->state.refused_ms, when),
               time_text(now_ms > row->state.refused_ms ? now_ms - row->state.refused_ms : 0, ago, sizeof ago));
    putchar('\n');
}

void rates_print_row(const struct rates_row *row, int64_t now_ms)
{
    struct arena a;
    char retry[32];

    arena_init(&a, SIZE_MAX);
    print_escaped(row->key);
    putchar('\n');
    if (row->window) {
        printf("  limit     %s: %s by %s, held %s\n", row->limit->title, rates_rate_text(&a, row->limit, row->window),
               rates_key_text(&a, &row->limit->key), row->name.is_message ? "when the message is here" : "at RCPT");
        printf("  level     %s of %s (%.0f%%)\n", rates_count_text(&a, row->state.level, is_bytes(row)),
               rates_count_text(&a, row->capacity, is_bytes(row)), 100 * row->filled);
        printf("  factor    %.2f\n", row->state.factor);
        printf("  room in   %s\n", row->retry_ms ? time_text(row->retry_ms, retry, sizeof retry) : "now");
    } else {
        printf("  limit     not in the configuration any more: it limits nobody\n");
    }
    print_refusals(row, now_ms);
    arena_release(&a);
}

void rates_print_emptied(const struct rates_row *row)
{
    fputs("emptied: ", stdout);
    print_escaped(row->key);
    putchar('\n');
}

/* ---- for programs ---- */

static json_t *text_of(struct span text)
{
    struct strbuf b;

    strbuf_init(&b, 1 << 16);
    strbuf_put_escaped(&b, text, STORE_KEY_MAX);
    json_t *json = json_string(strbuf_span(&b).ptr);

    strbuf_release(&b);
    return json;
}

static json_t *row_json(const struct rates_row *row)
{
    char when[CLOCK_TEXT_MAX];
    json_t *o = json_object();

    json_object_set_new(o, "key", text_of(row->key));
    json_object_set_new(o, "limit", text_of(row->name.limit));
    json_object_set_new(o, "window", text_of(row->name.window));
    json_object_set_new(o, "value", text_of(row->name.value));
    json_object_set_new(o, "stage", json_string(row->name.is_message ? "message" : "rcpt"));
    json_object_set_new(o, "configured", json_boolean(row->window != NULL));
    json_object_set_new(o, "limited", json_boolean(row->is_limited));
    json_object_set_new(o, "level", json_real(row->state.level));
    json_object_set_new(o, "capacity", json_real(row->capacity));
    json_object_set_new(o, "factor", json_real(row->state.factor));
    json_object_set_new(o, "retry_ms", json_integer(row->retry_ms == INT64_MAX ? -1 : row->retry_ms));
    json_object_set_new(o, "refused", json_real(row->state.refused));
    json_object_set_new(o, "last_refused",
                        row->state.refused_ms > 0 ? json_string(clock_iso(row->state.refused_ms, when)) : json_null());
    return o;
}

void rates_print_json(const struct rates_row *rows, size_t count)
{
    json_t *all = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(all, row_json(&rows[i]));
    char *text = json_dumps(all, JSON_INDENT(2));

    puts(text ? text : "[]");
    free(text);
    json_decref(all);
}
