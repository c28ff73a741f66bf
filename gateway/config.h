/* gateway/config.h - the whole of gateway.conf as one struct. */
#ifndef GATEWAY_CONFIG_H
#define GATEWAY_CONFIG_H

#include "gateway/core/dress.h"
#include "gateway/core/engine.h"
#include "gateway/core/settings.h"
#include "gateway/http/conf.h"
#include "gateway/smtp/conf.h"
#include "policy/conf.h"
#include "milter/conf.h"

/* The program's exit status: what a command comes to. */
enum { EXIT_OK = 0, EXIT_CONFIG = 2, EXIT_OTHER = 3 };

struct log_conf {
    int format; /* enum log_format */
    int level;  /* enum log_level */
};

struct config {
    const char *hostname;
    const char *state;
    const char *user;
    unsigned socket_mode;
    const char *socket_group; /* "": as it comes */
    struct log_conf log;
    struct engine_conf engine;
    struct dns_conf dns;
    struct actions_conf actions;
    struct dress_conf headers;
    struct store_conf store;
    struct smtp_conf smtp;
    struct http_conf http;
    struct policy_conf policy;
    struct milter_conf milter;
    struct conf_array checks;
    struct conf_array profiles;
};

/* A loaded configuration: the values, what the checks make of them, and who owns it. */
struct loaded {
    struct conf *conf;
    struct config *values;
    struct check_settings *checks;
    struct profiles *profiles;
    struct arena arena;
};

extern const struct conf_section config_section;

/* config_prepare - makes the sections of checks known; config_load() does it, too. */
void config_prepare(void);
/* config_usual_path - /etc/postern/gateway.conf when there is one, else NULL: what is built in. */
const char *config_usual_path(void);
/* config_load - NULL: what is built in, for a first look: SMTP on 127.0.0.1:2525, for this machine's clients, into a
 * Maildir in `state`. False with lines for the operator in `faults`. */
bool config_load(const char *path, struct loaded *out, struct strbuf *faults);
/* config_load_or_tell - the same; the faults go to standard error. */
bool config_load_or_tell(const char *path, struct loaded *out);
void config_free(struct loaded *loaded);

#endif
