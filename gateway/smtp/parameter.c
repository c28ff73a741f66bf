/* smtp/parameter.c - a table of parameters. */
#include "gateway/smtp/parameter.h"

#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"

/* ---- values ---- */

/* What an encoded byte may stand for: printable ASCII and blanks [RFC3461 4.2, 4.4], UTF-8 where an address may stand
 * [RFC6531 3.6]. */
static bool is_decoded_byte(int byte, bool takes_utf8)
{
    return (byte >= ' ' && byte < 0x7f) || byte == '\t' || (takes_utf8 && byte >= 0x80);
}

static bool is_xtext(struct span s, bool takes_utf8)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c <= ' ' || c > '~' || c == '=')
            return false;
        if (c != '+')
            continue;
        int high = i + 2 < s.len ? ascii_upper_hex(s.ptr[i + 1]) : -1;
        int low = i + 2 < s.len ? ascii_upper_hex(s.ptr[i + 2]) : -1;

        if (high < 0 || low < 0 || !is_decoded_byte(high * 16 + low, takes_utf8))
            return false;
        i += 2;
    }
    return true;
}

/* The kind of an address: an atom [RFC3461 4.2]. */
static bool is_atom(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~' || strchr("()<>@,;:\\\"[].", s.ptr[i]))
            return false;
    return s.len > 0;
}

/* ---- of MAIL ---- */

static bool set_size(struct span value, struct smtp_command *out)
{
    /* 20 digits at most [RFC1870 3]: what does not fit 64 bits is larger than any limit */
    enum fault fault = span_u64(value, UINT64_MAX, &out->size);

    if (fault == FAULT_RANGE && value.len <= 20)
        out->size = UINT64_MAX;
    return !fault || out->size == UINT64_MAX;
}

/* [RFC6152], [RFC3030 3] */
static bool set_body(struct span value, struct smtp_command *out)
{
    out->is_8bit = span_iis(value, "8BITMIME");
    out->is_binary = span_iis(value, "BINARYMIME");
    return out->is_8bit || out->is_binary || span_iis(value, "7BIT");
}

static bool set_smtputf8(struct span value, struct smtp_command *out)
{
    (void)value;
    return out->is_smtputf8 = true;
}

static bool set_require_tls(struct span value, struct smtp_command *out)
{
    (void)value;
    return out->is_require_tls = true;
}

static bool set_prdr(struct span value, struct smtp_command *out)
{
    (void)value;
    return out->is_prdr = true;
}

static bool set_ret(struct span value, struct smtp_command *out)
{
    out->ret = span_iis(value, "FULL") ? DSN_RET_FULL : span_iis(value, "HDRS") ? DSN_RET_HDRS : DSN_RET_UNSAID;
    return out->ret != DSN_RET_UNSAID;
}

static bool set_envid(struct span value, struct smtp_command *out)
{
    out->envid = value;
    return value.len <= ENVID_MAX && is_xtext(value, false);
}

static bool set_auth(struct span value, struct smtp_command *out)
{
    out->auth = value;
    return value.len <= MAIL_AUTH_MAX && (span_is(value, "<>") || is_xtext(value, true));
}

/* ---- of RCPT ---- */

static bool set_notify(struct span value, struct smtp_command *out)
{
    static const struct {
        const char *word;
        enum dsn_notify notify;
    } words[] = { { "NEVER", DSN_NOTIFY_NEVER },
                  { "SUCCESS", DSN_NOTIFY_SUCCESS },
                  { "FAILURE", DSN_NOTIFY_FAILURE },
                  { "DELAY", DSN_NOTIFY_DELAY } };
    struct span word;

    while (span_cut(&value, ',', &word)) {
        unsigned one = 0;

        for (size_t i = 0; i < COUNT(words); i++)
            if (span_iis(word, words[i].word))
                one = words[i].notify;
        if (!one)
            return false;
        out->notify |= one;
    }
    return out->notify == DSN_NOTIFY_NEVER || !(out->notify & DSN_NOTIFY_NEVER);
}

/* "rfc822;xtext", "utf-8;" and xtext or, in a transaction with SMTPUTF8, UTF-8 itself [RFC6533 3]. */
static bool set_orcpt(struct span value, struct smtp_command *out)
{
    struct span type, address = value;

    span_cut(&address, ';', &type);
    out->orcpt = value;
    if (value.len > ORCPT_MAX || !is_atom(type) || !address.len)
        return false;
    if (ascii_is_all(address))
        return is_xtext(address, false);
    out->is_utf8 = true;
    return span_iis(type, "utf-8") && utf8_is_valid(address);
}

/* ---- the table ---- */

static const struct parameter {
    enum smtp_verb verb;
    const char *name;
    unsigned extension; /* one of these, at least */
    bool has_value;
    bool (*set)(struct span value, struct smtp_command *out);
} rows[] = {
    { VERB_MAIL, "SIZE", EXTENSION_SIZE, true, set_size },
    { VERB_MAIL, "BODY", EXTENSION_8BITMIME | EXTENSION_BINARYMIME, true, set_body },
    { VERB_MAIL, "SMTPUTF8", EXTENSION_SMTPUTF8, false, set_smtputf8 },
    { VERB_MAIL, "PRDR", EXTENSION_PRDR, false, set_prdr },
    { VERB_MAIL, "RET", EXTENSION_DSN, true, set_ret },
    { VERB_MAIL, "ENVID", EXTENSION_DSN, true, set_envid },
    { VERB_MAIL, "REQUIRETLS", EXTENSION_REQUIRETLS, false, set_require_tls },
    { VERB_MAIL, "AUTH", EXTENSION_AUTH, true, set_auth },
    { VERB_RCPT, "NOTIFY", EXTENSION_DSN, true, set_notify },
    { VERB_RCPT, "ORCPT", EXTENSION_DSN, true, set_orcpt },
};

static enum reply parse_one(struct span word, unsigned extensions, unsigned *seen, struct smtp_command *out)
{
    struct span name;

    span_cut(&word, '=', &name);
    out->about = name;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct parameter *p = &rows[i];

        if (p->verb != out->verb || !span_iis(name, p->name) || !(extensions & p->extension))
            continue;
        bool is_good = !(*seen & 1u << i) && (p->has_value ? word.len > 0 : !word.ptr) && p->set(word, out);

        *seen |= 1u << i;
        return is_good ? REPLY_NONE : REPLY_BAD_PARAMETER;
    }
    return REPLY_UNKNOWN_PARAMETER;
}

enum reply parameter_parse_all(struct span text, unsigned extensions, struct smtp_command *out)
{
    struct span word;
    unsigned seen = 0;

    while (span_word(&text, &word)) {
        enum reply wrong = parse_one(word, extensions, &seen, out);

        if (wrong)
            return wrong;
    }
    if ((out->is_binary && !(extensions & EXTENSION_BINARYMIME)) ||
        (out->is_8bit && !(extensions & EXTENSION_8BITMIME))) {
        out->about = SPAN("BODY");
        return REPLY_BAD_PARAMETER;
    }
    return REPLY_NONE;
}
