/* smtp/extension.c - the keywords of extensions. */
#include "gateway/smtp/extension.h"

#include "gateway/base/bug.h"

static const struct {
    const char *name;
    enum smtp_extension extension;
} rows[] = {
    { "PIPELINING", EXTENSION_PIPELINING },
    { "8BITMIME", EXTENSION_8BITMIME },
    { "SIZE", EXTENSION_SIZE },
    { "ENHANCEDSTATUSCODES", EXTENSION_ENHANCED },
    { "STARTTLS", EXTENSION_STARTTLS },
    { "SMTPUTF8", EXTENSION_SMTPUTF8 },
    { "DSN", EXTENSION_DSN },
    { "CHUNKING", EXTENSION_CHUNKING },
    { "BINARYMIME", EXTENSION_BINARYMIME },
    { "REQUIRETLS", EXTENSION_REQUIRETLS },
    { "LIMITS", EXTENSION_LIMITS },
    { "PRDR", EXTENSION_PRDR },
    { "AUTH", EXTENSION_AUTH },
    { "XCLIENT", EXTENSION_XCLIENT },
    { "XFORWARD", EXTENSION_XFORWARD },
};

unsigned extension_of(struct span keyword)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        if (span_iis(keyword, rows[i].name))
            return rows[i].extension;
    return 0;
}

enum smtp_extension extension_first(unsigned extensions)
{
    return (enum smtp_extension)(extensions & -extensions);
}

const char *extension_name(enum smtp_extension extension)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].extension == extension)
            return rows[i].name;
    BUG("extension %u", (unsigned)extension);
}
