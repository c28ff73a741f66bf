/* cli/store_line.c - a record of the state store as a line of text. */
#include "gateway/cli/store_line.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/utf8.h"

enum { FIELDS_MOST = 5, YEAR_MOST = 9999 };
static const int64_t last_ms = 253402300799999; /* of the year 9999 */

struct field {
    const char *name;
    bool is_time; /* milliseconds since 1970, 0: never */
};

/* The fields of each kind, as op.c keeps them: doubles, one behind the other. */
static const struct {
    const char *name;
    size_t count;
    struct field fields[FIELDS_MOST];
} kinds[RECORD_NUMERIC_COUNT] = {
    [RECORD_TRIPLET] = { "triplet", 3, { { "first", true }, { "passed", true }, { "last", true } } },
    [RECORD_CLIENT] = { "client", 3, { { "passes", false }, { "counted", true }, { "last", true } } },
    [RECORD_RATE] = { "rate",
                      5,
                      { { "level", false },
                        { "at", true },
                        { "factor", false },
                        { "refused", false },
                        { "last_refused", true } } },
    [RECORD_COUNT] = { "count", 1, { { "count", false } } },
};

const char *record_kind_text(enum record_kind kind)
{
    if (kind < RECORD_NUMERIC_COUNT)
        return kinds[kind].name;
    return kind == RECORD_RECIPIENT ? "recipient" : kind == RECORD_BAYES ? "bayes" : "other";
}

static double number_at(struct span value, size_t i)
{
    double number;

    memcpy(&number, value.ptr + i * sizeof number, sizeof number);
    return number;
}

enum record_kind record_kind_of(struct span key, struct span value)
{
    const double least_time = 1e9; /* of passes there are fewer, and no time is so early */

    if (span_starts(key, SPAN("g:")) && value.len == 3 * sizeof(double))
        return number_at(value, 0) < least_time ? RECORD_CLIENT : RECORD_TRIPLET;
    if (span_starts(key, SPAN("r:")) && value.len == 5 * sizeof(double))
        return RECORD_RATE;
    if (span_starts(key, SPAN("c:")) && value.len == sizeof(double))
        return RECORD_COUNT;
    if (span_starts(key, SPAN("b:")))
        return RECORD_BAYES;
    return span_starts(key, SPAN("v:")) ? RECORD_RECIPIENT : RECORD_OTHER;
}

/* ---- times ---- */

static json_t *time_of(int64_t ms)
{
    char text[CLOCK_TEXT_MAX];

    return ms == 0 ? json_null() : json_string(clock_iso(ms, text));
}

static bool digits(struct span *rest, size_t count, char after, int *out)
{
    uint64_t number;

    if (rest->len < count + 1 || rest->ptr[count] != after || span_u64(span_first(*rest, count), YEAR_MOST, &number))
        return false;
    *out = (int)number;
    *rest = span_skip(*rest, count + 1);
    return true;
}

static int days_of_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && is_leap);
}

static int64_t days_since_1970(int year, int month, int day)
{
    int64_t before = year - 1, days = before * 365 + before / 4 - before / 100 + before / 400;

    for (int m = 1; m < month; m++)
        days += days_of_month(year, m);
    return days + day - 1 - 719162; /* days from year 1 to 1970 */
}

/* As clock_iso() writes it: UTC, with milliseconds. */
static bool time_read(struct span s, int64_t *out)
{
    int year, month, day, hour, minute, second, ms;

    if (!digits(&s, 4, '-', &year) || !digits(&s, 2, '-', &month) || !digits(&s, 2, 'T', &day) ||
        !digits(&s, 2, ':', &hour) || !digits(&s, 2, ':', &minute) || !digits(&s, 2, '.', &second) ||
        !digits(&s, 3, 'Z', &ms) || s.len)
        return false;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month) || hour > 23 ||
        minute > 59 || second > 59)
        return false;
    *out = (((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000 + ms;
    return true;
}

/* ---- writing ---- */

static json_t *hex_of(struct span bytes)
{
    struct strbuf b;

    strbuf_init(&b, 2 * STORE_VALUE_MAX + 1);
    for (size_t i = 0; i < bytes.len; i++)
        strbuf_putf(&b, "%02x", (unsigned)(uint8_t)bytes.ptr[i]);
    json_t *text = json_string(strbuf_span(&b).ptr);

    strbuf_release(&b);
    return text;
}

static bool has_numbers(struct span value, size_t kind)
{
    for (size_t i = 0; i < kinds[kind].count; i++) {
        double n = number_at(value, i);

        if (!isfinite(n) || (n == 0 && signbit(n)))
            return false;
        if (kinds[kind].fields[i].is_time && (n < 0 || n > (double)last_ms || n != floor(n)))
            return false;
    }
    return true;
}

static json_t *numbers_of(struct span value, size_t kind)
{
    json_t *object = json_object();

    for (size_t i = 0; i < kinds[kind].count; i++) {
        const struct field *field = &kinds[kind].fields[i];
        double n = number_at(value, i);
        bool is_whole = n == floor(n) && fabs(n) < 1e15;
        json_t *number = field->is_time ? time_of((int64_t)n) : is_whole ? json_integer((int64_t)n) : json_real(n);

        json_object_set_new(object, field->name, number);
    }
    return object;
}

static void put_value(json_t *line, struct span key, struct span value)
{
    enum record_kind kind = record_kind_of(key, value);

    if (kind < RECORD_NUMERIC_COUNT && has_numbers(value, kind))
        json_object_set_new(line, kinds[kind].name, numbers_of(value, kind));
    else if (kind >= RECORD_NUMERIC_COUNT && utf8_is_valid(value))
        json_object_set_new(line, "text", json_stringn(value.ptr, value.len));
    else
        json_object_set_new(line, "hex", hex_of(value));
}

void store_line_write(struct strbuf *out, struct span key, struct span value, int64_t expires_ms)
{
    json_t *line = json_object();
    bool is_text = utf8_is_valid(key);

    json_object_set_new(line, is_text ? "key" : "key_hex", is_text ? json_stringn(key.ptr, key.len) : hex_of(key));
    json_object_set_new(line, "expires",
                        expires_ms < 0 || expires_ms > last_ms ? json_integer(expires_ms) : time_of(expires_ms));
    put_value(line, key, value);
    char *text = json_dumps(line, JSON_COMPACT | JSON_PRESERVE_ORDER);

    json_decref(line);
    if (!text)
        fatal_memory(0);
    strbuf_puts(out, text);
    strbuf_putc(out, '\n');
    free(text);
}

/* ---- reading ---- */

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *read_hex(const json_t *text, char *out, size_t most, size_t *len)
{
    struct span hex = span_make(json_string_value(text), json_string_length(text));

    if (hex.len % 2 || hex.len / 2 > most)
        return "the hex digits are too many, or of an odd number";
    for (size_t i = 0; i < hex.len; i += 2) {
        int high = nibble(hex.ptr[i]), low = nibble(hex.ptr[i + 1]);

        if (high < 0 || low < 0)
            return "hex digits are 0-9 and a-f";
        out[i / 2] = (char)(high << 4 | low);
    }
    *len = hex.len / 2;
    return NULL;
}

static const char *read_text(const json_t *text, char *out, size_t most, size_t *len)
{
    if (json_string_length(text) > most)
        return "the key or the text is too long";
    *len = json_string_length(text);
    memcpy(out, json_string_value(text), *len);
    return NULL;
}

static const char *read_time(const json_t *value, int64_t *out)
{
    if (json_is_null(value)) {
        *out = 0;
        return NULL;
    }
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return *out > 0 ? NULL : "a time is after 1970";
    }
    if (json_is_string(value) && time_read(span_make(json_string_value(value), json_string_length(value)), out))
        return NULL;
    return "a time is written \"2026-11-23T05:46:00.123Z\", or null for never";
}

static const char *read_numbers(const json_t *object, size_t kind, struct store_line *out)
{
    if (!json_is_object(object) || json_object_size(object) != kinds[kind].count)
        return "the record has not the fields of its kind";
    for (size_t i = 0; i < kinds[kind].count; i++) {
        const json_t *value = json_object_get(object, kinds[kind].fields[i].name);
        int64_t ms = 0;
        double number;

        if (!value)
            return "the record has not the fields of its kind";
        if (kinds[kind].fields[i].is_time) {
            const char *wrong = read_time(value, &ms);

            if (wrong)
                return wrong;
            number = (double)ms;
        } else if (json_is_number(value)) {
            number = json_number_value(value);
        } else {
            return "a field of the record is no number";
        }
        memcpy(out->value + i * sizeof number, &number, sizeof number);
    }
    out->value_len = kinds[kind].count * sizeof(double);
    return NULL;
}

static const char *read_key(const json_t *line, struct store_line *out)
{
    const json_t *text = json_object_get(line, "key"), *hex = json_object_get(line, "key_hex");
    const char *wrong = "a line has a \"key\"";

    if (json_is_string(text) && !hex)
        wrong = read_text(text, out->key, sizeof out->key, &out->key_len);
    else if (json_is_string(hex) && !text)
        wrong = read_hex(hex, out->key, sizeof out->key, &out->key_len);
    if (wrong)
        return wrong;
    return out->key_len && out->key[0] ? NULL : "a key is not empty, and does not begin with a zero";
}

static const char *read_value(const json_t *line, struct store_line *out)
{
    const json_t *text = json_object_get(line, "text"), *hex = json_object_get(line, "hex");
    const char *wrong = "a line has a value: triplet, client, rate, count, text or hex";

    for (size_t kind = 0; kind < RECORD_NUMERIC_COUNT; kind++)
        if (json_object_get(line, kinds[kind].name))
            return read_numbers(json_object_get(line, kinds[kind].name), kind, out);
    if (json_is_string(text))
        wrong = read_text(text, out->value, sizeof out->value, &out->value_len);
    else if (json_is_string(hex))
        wrong = read_hex(hex, out->value, sizeof out->value, &out->value_len);
    if (wrong)
        return wrong;
    return out->value_len ? NULL : "a value is not empty";
}

static const char *read_object(const json_t *line, struct store_line *out)
{
    const json_t *expires = json_object_get(line, "expires");
    const char *wrong;

    if (!json_is_object(line) || json_object_size(line) != 3)
        return "a line is an object of a key, when it expires, and a value";
    if (!expires)
        return "a line says when it \"expires\"";
    wrong = read_key(line, out);
    if (!wrong)
        wrong = read_time(expires, &out->expires_ms);
    return wrong ? wrong : read_value(line, out);
}

const char *store_line_read(struct span line, struct store_line *out)
{
    json_error_t error;

    if (line.len > STORE_LINE_MAX)
        return "the line is too long";
    json_t *root = json_loadb(line.ptr ? line.ptr : "", line.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

    if (!root)
        return "the line is no JSON object";
    const char *wrong = read_object(root, out);

    json_decref(root);
    return wrong;
}
