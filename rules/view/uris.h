/* rules/view/uris.h - the addresses of the web and of mail that uri rules are tried on: as they stand in the message,
 * and in the forms that a browser makes of them, so that a rule need not know every way to write one.
 *
 * Memory: `a`. Bounded in number, length and levels of redirection.
 */
#ifndef RULES_URIS_H
#define RULES_URIS_H

#include "rules/view/scanning.h"

enum {
    URI_BYTES_MAX = 8192,
    URIS_BYTES_MAX = 1024 * 1024, /* of all whose forms are made */
    URI_FORMS_MAX = 40,
    URIS_MAX = 10000,
    URI_TARGETS_MAX = 8,
};

/* A list in which each stands once. */
struct uri_list {
    struct arena *arena;
    struct rule_lines lines;
    size_t room;
    uint32_t *slots; /* by hash: 1 + the place in lines; 0: free */
    size_t slot_count;
    size_t bytes_left;
};

void uri_list_init(struct uri_list *list, struct arena *a);
/* uri_list_put - false: it was there already, or the list is full. */
bool uri_list_put(struct uri_list *list, struct span uri);

/* uri_target - finds the target in what redirects to it; false: it does not. NULL: nobody knows redirectors. */
typedef bool uri_target(void *arg, struct span uri, struct span *target);

/* uri_forms - adds `uri` and its forms: escapes decoded, backslashes turned, a scheme put before it, the user's name
 * and the usual port taken out, numbers made an address, and what it redirects to, with its own forms. */
void uri_forms(struct uri_list *list, struct span uri, uri_target *find_target, void *arg);

/* uris_of - all of a message's. */
struct rule_lines uris_of(struct scanning *s);

#endif
