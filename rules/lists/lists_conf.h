/* rules/lists/lists_conf.h - what lists there are: the configuration of rules/lists/lists.c. */
#ifndef RULES_LISTS_CONF_H
#define RULES_LISTS_CONF_H

#include "gateway/conf/conf.h"
#include "gateway/mail/access_file.h"

/* In the order of the words of the key `match`. */
enum list_match {
    LIST_CLIENT,
    LIST_CLIENT_NAME,
    LIST_HELO,
    LIST_SENDER,
    LIST_SENDER_DOMAIN,
    LIST_RECIPIENT,
    LIST_RECIPIENT_DOMAIN,
};

/* In the order of the words of the key `action`. */
enum list_action { LIST_ACCEPT, LIST_REJECT, LIST_DEFER, LIST_DISCARD, LIST_SCORE, LIST_MAP };

struct list {
    const char *title;
    int match;
    int action;
    const char *path;
    struct conf_strs entries;
    int points;
    const char *symbol;
    const char *text;
    bool covers_roles;
    bool needs_spf;

    /* state: from open() to close() */
    struct access_set *set;  /* of `entries`; NULL: none */
    struct access_file file; /* .set NULL: none */
};

struct lists_conf {
    struct conf_array lists; /* of struct list */
};

extern const struct conf_section lists_section;

enum access_kind list_kind(const struct list *list);

#endif
