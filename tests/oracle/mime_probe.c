/* tests/oracle/mime_probe.c - the parts of many messages: reads names of files, a line each, and prints for each a
 * line of JSON: a list of [type, bytes, sha256, "base64", "qp" or ""] for the leaves of the standard reading. Ends with
 * BUG() when anything of a message is lost (tests/kit/mime_invariants.h).
 */
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/strbuf.h"
#include "gateway/mail/crypto.h"
#include "tests/kit/mime_invariants.h"

enum { MESSAGE_BYTES_MAX = 64 << 20 };

static bool read_file(const char *path, struct strbuf *out)
{
    FILE *file = fopen(path, "rb");
    char piece[65536];
    size_t n;

    while (file && (n = fread(piece, 1, sizeof piece, file)) > 0)
        strbuf_put(out, span_make(piece, n));
    if (file)
        fclose(file);
    return file != NULL;
}

static void print_leaf(struct message *m, struct mime_part *part, const char *before)
{
    struct span bytes = mime_bytes(m, part);
    unsigned char hash[HASH_BYTES_MAX];

    crypto_hash_start(crypto_here(), HASH_SHA256);
    crypto_hash_put(crypto_here(), bytes);
    crypto_hash_end(crypto_here(), hash);
    printf("%s[\"%s\", %zu, \"", before, strpbrk(part->type, "\"\\") ? "?" : part->type, bytes.len);
    for (size_t i = 0; i < sizeof hash; i++)
        printf("%02x", hash[i]);
    printf("\", \"%s\"]", part->encoding == MIME_BASE64             ? "base64"
                          : part->encoding == MIME_QUOTED_PRINTABLE ? "qp"
                                                                    : "");
}

static void print_message(struct span bytes)
{
    const struct message_limits limits = { HEADER_BYTES_MAX, HEADER_FIELDS_MAX };
    struct message *m = message_new(bytes, &limits);
    const struct mime_tree *tree = message_mime(m);
    const char *before = "";

    check_mime(m);
    putchar('[');
    for (size_t i = 0; i < tree->count; i++) {
        struct mime_part *part = tree->parts[i];

        if (part->is_reading || part->is_unpacked || part->is_multipart || part->is_message)
            continue;
        print_leaf(m, part, before);
        before = ", ";
    }
    puts("]");
    message_free(m);
}

int main(void)
{
    char path[4096];

    while (fgets(path, sizeof path, stdin)) {
        struct strbuf bytes;

        path[strcspn(path, "\n")] = '\0';
        strbuf_init(&bytes, MESSAGE_BYTES_MAX);
        if (!read_file(path, &bytes))
            return EXIT_FAILURE;
        print_message(strbuf_span(&bytes));
        strbuf_release(&bytes);
    }
    crypto_forget();
    return EXIT_SUCCESS;
}
