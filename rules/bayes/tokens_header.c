/* rules/bayes/tokens_header.c - what the header says of who wrote the message: not of how it came here.
 *
 * Left out are fields that are put in by those on the way (trace, authentication, other filters, mailboxes) and by
 * mailing lists, whose spam would look like the list: what the same message bears in another place.
 */
#include "gateway/base/bug.h"
#include "gateway/mail/address.h"
#include "gateway/mail/words.h"
#include "rules/bayes/tokens_parts.h"

enum { FIELDS_READ = 200, VALUE_MOST = 2000, SHAPE_MOST = 40, ADDRESSES_READ = 20 };

/* Names in lower case; with a final * all that begin so. */
struct name {
    const char *text;
    size_t len;
};

#define NAME(text)                                                                                                     \
    {                                                                                                                  \
        text, sizeof text - 1                                                                                          \
    }

/* clang-format off */
static const struct name left_out_x[] = {
    NAME("x-account-key"), NAME("x-amavis*"), NAME("x-antivirus*"), NAME("x-apparently-to"),
    NAME("x-authentication-*"), NAME("x-barracuda-*"), NAME("x-been*"), NAME("x-bogosity"), NAME("x-clamav*"),
    NAME("x-crm114-*"), NAME("x-cyrus-*"), NAME("x-dcc-*"), NAME("x-dovecot-*"), NAME("x-dspam*"),
    NAME("x-envelope-*"), NAME("x-eop*"), NAME("x-evolution-*"), NAME("x-folder"), NAME("x-forefront-*"),
    NAME("x-getmail-*"), NAME("x-gm-*"), NAME("x-gmail-*"), NAME("x-google-*"), NAME("x-greylist*"), NAME("x-ham*"),
    NAME("x-keywords"), NAME("x-label"), NAME("x-list*"), NAME("x-loop"), NAME("x-mailing-*"), NAME("x-mailman*"),
    NAME("x-microsoft-*"), NAME("x-mimedefang*"), NAME("x-mozilla-*"), NAME("x-ms-exchange-*"), NAME("x-msexch*"),
    NAME("x-original-to"), NAME("x-pmx-*"), NAME("x-policyd*"), NAME("x-postern*"), NAME("x-proofpoint-*"),
    NAME("x-pyzor"), NAME("x-received"), NAME("x-remote-*"), NAME("x-replied"), NAME("x-rspamd*"),
    NAME("x-scanned-*"), NAME("x-sender"), NAME("x-sieve*"), NAME("x-spam*"), NAME("x-status"), NAME("x-tuid"),
    NAME("x-uid*"), NAME("x-virus*"),
};

static const struct name left_out_others[] = {
    NAME("arc-*"), NAME("authentication-*"), NAME("content-length"), NAME("delivered-to"), NAME("dkim-signature"),
    NAME("domainkey-*"), NAME("envelope-to"), NAME("errors-to"), NAME("forwarded"), NAME("lines"), NAME("list-*"),
    NAME("mailing-list"), NAME("old-*"), NAME("precedence"), NAME("received"), NAME("received-spf"), NAME("replied"),
    NAME("resent-*"), NAME("return-path"), NAME("sender"), NAME("status"),
};
/* clang-format on */

static bool is_one_of(const struct name *names, size_t count, struct span name, char third)
{
    for (size_t i = 0; i < count; i++) {
        bool is_prefix = names[i].text[names[i].len - 1] == '*';
        struct span text = span_make(names[i].text, names[i].len - is_prefix);

        if (text.ptr[2] == third && (is_prefix ? span_istarts(name, text) : span_ieq(name, text)))
            return true;
    }
    return false;
}

static bool is_left_out(struct span name)
{
    char third = name.len > 2 ? ascii_lower(name.ptr[2]) : '\0';

    if (span_istarts(name, SPAN("x-")))
        return is_one_of(left_out_x, COUNT(left_out_x), name, third);
    return is_one_of(left_out_others, COUNT(left_out_others), name, third);
}

/* Fields whose words are read. */
static const struct {
    const char *name;
    enum token_kind kind;
    bool is_addresses;
} read_fields[] = {
    { "From", TOKEN_FROM, true },
    { "Reply-To", TOKEN_REPLY, true },
    { "To", TOKEN_TO, false },
    { "Cc", TOKEN_TO, false },
    { "X-Mailer", TOKEN_MAILER, false },
    { "User-Agent", TOKEN_MAILER, false },
    { "Content-Type", TOKEN_TYPE, false },
    { "Content-Transfer-Encoding", TOKEN_TYPE, false },
    { "MIME-Version", TOKEN_TYPE, false },
    { "Organization", TOKEN_OTHER, false },
    { "Importance", TOKEN_OTHER, false },
    { "X-Priority", TOKEN_OTHER, false },
};

static void add_words(struct token_set *set, struct arena *a, enum token_kind kind, struct span body)
{
    const struct token_text how = { .word = kind, .pair = TOKEN_KIND_COUNT, .also = TOKEN_KIND_COUNT };
    unsigned flaws = 0;

    tokens_text(set, &how, words_decode(a, span_first(body, 2 * VALUE_MOST), VALUE_MOST, &flaws));
}

static void add_domains(struct token_set *set, struct arena *a, enum token_kind kind, struct span body)
{
    struct mailbox_list list;

    address_mailboxes(a, span_first(body, VALUE_MOST), &list);
    for (size_t i = 0; i < list.count && i < ADDRESSES_READ; i++)
        if (list.items[i].address.domain.len)
            token_add_text(set, kind, list.items[i].address.domain);
}

/* The Message-ID's shape: letters, capitals and digits, a run of each as one. */
static void add_id(struct token_set *set, struct arena *a, struct span body)
{
    struct span id = span_trim(body), left = id, domain = { 0 };
    char shape[SHAPE_MOST];
    size_t len = 0, at = span_rfind(id, '@');

    if (at != SPAN_NPOS) {
        left = span_first(id, at);
        domain = span_skip(id, at + 1);
    }
    for (size_t i = 0; i < left.len && len < sizeof shape; i++) {
        char c = left.ptr[i];
        char sort = ascii_is_digit(c) ? '0' : c >= 'a' && c <= 'z' ? 'a' : c >= 'A' && c <= 'Z' ? 'A' : c;

        if (!len || shape[len - 1] != sort || sort == c)
            shape[len++] = sort;
    }
    token_add_text(set, TOKEN_ID, arena_copy(a, span_make(shape, len)));
    if (span_ends(domain, SPAN(">")))
        domain = span_first(domain, domain.len - 1);
    if (domain.len)
        token_add_text(set, TOKEN_ID, domain.len > SHAPE_MOST ? span_skip(domain, domain.len - SHAPE_MOST) : domain);
}

static void add_field(struct token_set *set, struct arena *a, const struct header_field *field)
{
    token_add_text(set, TOKEN_FIELD, field->name);
    if (span_iis(field->name, "Message-ID"))
        add_id(set, a, field->body);
    for (size_t i = 0; i < COUNT(read_fields); i++) {
        if ((field->name.ptr[0] | 32) != (read_fields[i].name[0] | 32) || !span_iis(field->name, read_fields[i].name))
            continue;
        add_words(set, a, read_fields[i].kind, field->body);
        if (read_fields[i].is_addresses)
            add_domains(set, a, TOKEN_FROM_DOMAIN, field->body);
    }
}

void tokens_header(struct token_set *set, struct arena *a, struct message *m)
{
    const struct header_index *header = &m->header;

    for (size_t i = 0, read = 0; i < header->count && read < FIELDS_READ; i++) {
        if (is_left_out(header->fields[i].name))
            continue;
        add_field(set, a, &header->fields[i]);
        read++;
    }
}
