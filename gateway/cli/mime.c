/* cli/mime.c - postern mime: the parts of a message from a file, as the checks see them. */
#include <getopt.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/json_text.h"
#include "gateway/cli/json_urls.h"
#include "gateway/cli/shown.h"
#include "gateway/mail/crypto.h"
#include "gateway/mail/mime.h"

static const char usage[] =
    "usage: postern mime [OPTION...] FILE...|-\n"
    "\n"
    "Shows the parts of the message in each FILE (- for standard input): types, names, sizes, and what is odd about\n"
    "them.\n"
    "Where mail readers are known to take a part differently, the other readings are shown, too: the checks look at\n"
    "all of them.\n"
    "\n"
    "  --json               a JSON object for each FILE, with a SHA-256 of each part's decoded bytes\n"
    "  --text               the texts of text parts, too, in UTF-8\n"
    "\n"
    "Exit status: 0 when the message could be read from its file, whatever is in it; 2 for usage; 3 otherwise.\n"
    "\n"
    "  postern mime --json mail.eml\n";

struct view {
    bool is_json, has_text;
    struct message *message;
    const struct mime_tree *tree;
};

static const char *encoding_text(enum mime_encoding encoding)
{
    static const char *const names[] = { "7bit",     "8bit", "binary", "base64", "quoted-printable",
                                         "uuencode", "yenc", "unknown" };

    return names[encoding];
}

static const char *disposition_text(enum mime_disposition disposition)
{
    static const char *const names[] = { "", "inline", "attachment" };

    return names[disposition];
}

/* ---- for people ---- */

static void put_anomalies(uint64_t anomalies)
{
    const char *before = "  [";

    for (int i = 0; i < MIME_ANOMALY_COUNT; i++) {
        if (!(anomalies >> i & 1))
            continue;
        printf("%s%s", before, mime_anomaly_name((enum mime_anomaly)i));
        before = ", ";
    }
    fputs(anomalies ? "]" : "", stdout);
}

static void put_foreign(const char *before, const char *text, const char *after)
{
    struct strbuf shown;

    if (!text[0])
        return;
    strbuf_init(&shown, 1 << 20);
    cli_put_shown(&shown, span_of(text), 200);
    printf("%s%s%s", before, strbuf_span(&shown).ptr, after);
    strbuf_release(&shown);
}

/* Control characters, those above ASCII, too: U+0080 to U+009F. */
static bool steers_terminal(struct span line, size_t at)
{
    unsigned char c = (unsigned char)line.ptr[at], next = at + 1 < line.len ? (unsigned char)line.ptr[at + 1] : 0;
    unsigned char last = at ? (unsigned char)line.ptr[at - 1] : 0;

    return (c < ' ' && c != '\t') || c == 0x7f || (c == 0xc2 && next < 0xa0) || (last == 0xc2 && c < 0xa0);
}

static void put_text(struct view *view, struct mime_part *part)
{
    struct span rest = mime_text(view->message, part), line;

    while (rest.len && span_cut(&rest, '\n', &line)) {
        struct strbuf shown;

        strbuf_init(&shown, CLI_MESSAGE_BYTES_MAX);
        for (size_t i = 0; i < line.len; i++)
            strbuf_putc(&shown, steers_terminal(line, i) ? '?' : line.ptr[i]);
        printf("%*s| %s\n", (int)part->depth * 2 + 4, "", strbuf_span(&shown).ptr);
        strbuf_release(&shown);
    }
}

static void put_part(struct view *view, struct mime_part *part)
{
    size_t bytes = mime_bytes(view->message, part).len;

    printf("%3u %*s", part->index, (int)part->depth * 2, "");
    put_foreign("", part->type, "");
    if (part->reading_of)
        printf(" (%u: %s)", part->reading_of->index, part->reading);
    put_foreign(" ", part->charset, "");
    printf(" %s", encoding_text(part->encoding));
    if (part->disposition)
        printf(" %s", disposition_text(part->disposition));
    put_foreign(" \"", part->filename, "\"");
    for (size_t i = 0; part->other_filenames[i]; i++)
        put_foreign(" or \"", part->other_filenames[i], "\"");
    if (part->children)
        printf(" %u part%s", part->children, part->children == 1 ? "" : "s");
    else
        printf(" %zu bytes", bytes);
    put_anomalies(part->anomalies);
    putchar('\n');
    if (view->has_text && part->is_text)
        put_text(view, part);
}

/* ---- JSON ---- */

static json_t *anomalies_of(uint64_t anomalies)
{
    json_t *list = json_array();

    for (int i = 0; i < MIME_ANOMALY_COUNT; i++)
        if (anomalies >> i & 1)
            json_array_append_new(list, json_string(mime_anomaly_name((enum mime_anomaly)i)));
    return list;
}

static json_t *digest_of(struct span bytes)
{
    struct crypto *crypto = crypto_here();
    unsigned char hash[HASH_BYTES_MAX];
    char hex[2 * HASH_BYTES_MAX + 1];

    crypto_hash_start(crypto, HASH_SHA256);
    crypto_hash_put(crypto, bytes);
    crypto_hash_end(crypto, hash);
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    return json_string(hex);
}

static json_t *other_names_of(const struct mime_part *part)
{
    json_t *list = json_array();

    for (size_t i = 0; part->other_filenames[i]; i++)
        json_array_append_new(list, cli_json_text(span_of(part->other_filenames[i])));
    return list;
}

static json_t *number_or_null(const struct mime_part *part)
{
    return part ? json_integer(part->index) : json_null();
}

/* Where the body begins in the message; null when it was unpacked from something. */
static json_t *offset_of(const struct message *m, const struct mime_part *part)
{
    const char *at = part->encoded.ptr;

    return at >= m->bytes.ptr && at <= m->bytes.ptr + m->bytes.len ? json_integer(at - m->bytes.ptr) : json_null();
}

static json_t *part_of(struct view *view, struct mime_part *part)
{
    struct span bytes = mime_bytes(view->message, part);
    json_t *object = json_pack(
        "{s:i, s:o, s:i, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:I, s:I}", "index", (int)part->index, "parent",
        number_or_null(part->parent), "children", (int)part->children, "type", cli_json_text(span_of(part->type)),
        "charset", cli_json_text(span_of(part->charset)), "encoding", encoding_text(part->encoding), "disposition",
        disposition_text(part->disposition), "filename", cli_json_text(span_of(part->filename)), "other_filenames",
        other_names_of(part), "content_id", cli_json_text(span_of(part->content_id)), "encoded_bytes",
        (json_int_t)part->encoded.len, "bytes", (json_int_t)bytes.len);

    json_object_set_new(object, "offset", offset_of(view->message, part));
    json_object_set_new(object, "sha256", digest_of(bytes));
    json_object_set_new(object, "boundary", cli_json_text(span_of(part->boundary)));
    json_object_set_new(object, "unpacked", json_boolean(part->is_unpacked));
    json_object_set_new(object, "reading", cli_json_text(span_of(part->reading)));
    json_object_set_new(object, "reading_of", number_or_null(part->reading_of));
    if (view->has_text && part->is_text)
        json_object_set_new(object, "text", cli_json_text(mime_text(view->message, part)));
    json_object_set_new(object, "anomalies", anomalies_of(part->anomalies));
    return object;
}

static void print_json(struct view *view)
{
    json_t *parts = json_array();

    for (size_t i = 0; i < view->tree->count; i++)
        json_array_append_new(parts, part_of(view, view->tree->parts[i]));
    json_t *all = json_pack("{s:I, s:o, s:o, s:o}", "bytes", (json_int_t)view->message->bytes.len, "anomalies",
                            anomalies_of(view->tree->anomalies), "parts", parts, "urls", cli_json_urls(view->message));

    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

/* ---- the command ---- */

static void show(struct view *view, struct span bytes)
{

    view->message = message_new(bytes, &message_limits_most);
    view->tree = message_mime(view->message);
    if (view->is_json)
        print_json(view);
    for (size_t i = 0; !view->is_json && i < view->tree->count; i++)
        put_part(view, view->tree->parts[i]);
    message_free(view->message);
}

static bool show_file(struct view *view, const char *file)
{
    struct strbuf bytes;
    bool is_read = cli_read_message(file, &bytes);

    if (is_read)
        show(view, strbuf_span(&bytes));
    strbuf_release(&bytes);
    return is_read;
}

int cli_mime(int argc, char **argv)
{
    static const struct option options[] = { { "json", no_argument, NULL, 'j' },
                                             { "text", no_argument, NULL, 't' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    struct view view = { 0 };
    bool is_good = true;
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h')
            return cli_usage(usage, NULL);
        if (option == '?')
            return cli_usage(usage, "mime: that option is not known");
        view.is_json |= option == 'j';
        view.has_text |= option == 't';
    }
    if (optind == argc)
        return cli_usage(usage, "mime: name a file, or - for standard input");
    bool are_many = optind + 1 < argc;

    for (int i = optind; i < argc; i++) {
        if (are_many && !view.is_json)
            printf("%s%s:\n", i > optind ? "\n" : "", argv[i]);
        is_good &= show_file(&view, argv[i]);
    }
    crypto_forget();
    return is_good ? EXIT_OK : EXIT_OTHER;
}
