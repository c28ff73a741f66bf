/* link: PkgConfig::GMIME */
/* tests/oracle/mime_gmime.c - what GMime makes of messages: the same as tests/oracle/mime_probe.c prints, as a second
 * opinion.
 */
#include <gmime/gmime.h>
#include <stdio.h>
#include <string.h>

static void print_leaf(GMimeObject *part, const char *before)
{
    GMimeDataWrapper *content = GMIME_IS_PART(part) ? g_mime_part_get_content(GMIME_PART(part)) : NULL;
    GMimeStream *stream = g_mime_stream_mem_new();
    GMimeContentType *type = g_mime_object_get_content_type(part);
    gchar *name = g_mime_content_type_get_mime_type(type), *lower = g_ascii_strdown(name, -1);

    if (content)
        g_mime_data_wrapper_write_to_stream(content, stream);
    GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    gchar *hash =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes->data ? bytes->data : (const guchar *)"", bytes->len);

    printf("%s[\"%s\", %u, \"%s\"]", before, strpbrk(lower, "\"\\") ? "?" : lower, bytes->len, hash);
    g_free(hash);
    g_free(name);
    g_free(lower);
    g_object_unref(stream);
}

static const char *print_parts(GMimeObject *object, const char *before, int depth)
{
    if (depth > 100)
        return before;
    if (GMIME_IS_MULTIPART(object)) {
        GMimeMultipart *multipart = GMIME_MULTIPART(object);

        for (int i = 0; i < g_mime_multipart_get_count(multipart); i++)
            before = print_parts(g_mime_multipart_get_part(multipart, i), before, depth + 1);
        return before;
    }
    if (GMIME_IS_MESSAGE_PART(object)) {
        GMimeMessage *message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));

        return message ? print_parts(g_mime_message_get_mime_part(message), before, depth + 1) : before;
    }
    print_leaf(object, before);
    return ", ";
}

static void print_message(const char *path)
{
    GMimeStream *stream = g_mime_stream_file_open(path, "rb", NULL);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);

    putchar('[');
    if (message && g_mime_message_get_mime_part(message))
        print_parts(g_mime_message_get_mime_part(message), "", 0);
    puts("]");
    if (message)
        g_object_unref(message);
    g_object_unref(parser);
    g_object_unref(stream);
}

int main(void)
{
    char path[4096];

    g_mime_init();
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = '\0';
        print_message(path);
    }
    g_mime_shutdown();
    return 0;
}
