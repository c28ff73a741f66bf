/* smtp/conf_tls.c - certificates in gateway.conf, and whether they can be used. */
#include "gateway/smtp/certificates.h"
#include "gateway/smtp/conf.h"

#define AT(member) offsetof(struct smtp_tls_name, member)

static const struct conf_key name_keys[] = {
    { .name = "certificate",
      .type = CONF_FILE,
      .at = AT(certificate),
      .help = "certificate chain in PEM",
      .is_required = true },
    { .name = "key", .type = CONF_FILE, .at = AT(key), .help = "its private key in PEM", .is_required = true },
    { .name = "alt_certificate",
      .type = CONF_FILE,
      .at = AT(alt_certificate),
      .help = "another for the same name, with a key of another kind (ECDSA beside RSA)" },
    { .name = "alt_key", .type = CONF_FILE, .at = AT(alt_key), .help = "its private key" },
    { 0 },
};

const struct conf_section smtp_tls_name_section = {
    .name = "tls",
    .help =
        "the certificate for clients that ask for this name (SNI): tls \"mail.example.com\" { certificate = \"...\" "
        "key = \"...\" }; \"*.example.com\": any label before it",
    .size = sizeof(struct smtp_tls_name),
    .keys = name_keys,
};

static bool is_set(const char *text)
{
    return text && *text;
}

static const char *check_pairs(struct arena *a, const struct smtp_conf *conf)
{
    const struct smtp_tls_name *names = conf->tls_names.items;

    if (is_set(conf->tls_certificate) != is_set(conf->tls_key))
        return "tls_certificate and tls_key go together; set both or none";
    if (is_set(conf->tls_alt_certificate) != is_set(conf->tls_alt_key))
        return "tls_alt_certificate and tls_alt_key go together; set both or none";
    for (size_t i = 0; i < conf->tls_names.count; i++)
        if (is_set(names[i].alt_certificate) != is_set(names[i].alt_key))
            return arena_printf(a, "alt_certificate and alt_key of tls \"%s\" go together; set both or none",
                                names[i].title);
    return NULL;
}

/* What means nothing without the first certificate. */
static const char *lone_key(const struct smtp_conf *conf)
{
    return conf->tls_names.count               ? "a section tls"
           : is_set(conf->tls_alt_certificate) ? "tls_alt_certificate"
           : conf->tls_clients                 ? "tls_client_certificates"
                                               : NULL;
}

/* A certificate that cannot be used is a fault of the configuration: told by `config check`, and at a reload before
 * anything is started. */
const char *smtp_conf_check_tls(struct arena *a, const struct smtp_conf *conf)
{
    char error[512] = "";
    const char *wrong = check_pairs(a, conf), *lone = lone_key(conf);

    if (wrong)
        return wrong;
    if (!is_set(conf->tls_certificate))
        return lone ? arena_printf(a, "%s needs tls_certificate and tls_key: what all others are shown", lone) : NULL;
    if (conf->tls_clients == SMTP_TLS_CLIENTS_REQUIRE && !is_set(conf->tls_client_ca))
        return "tls_client_certificates = require needs tls_client_ca: a file of the authorities that you trust";
    struct certificates *c = certificates_new(conf, NULL, NULL, error, sizeof error);

    certificates_free(c);
    if (!c)
        return arena_printf(a,
                            "%s; certificates are chains in PEM, each with its own key without a password, and ciphers "
                            "are written as `openssl ciphers` prints them",
                            error);
    return NULL;
}
