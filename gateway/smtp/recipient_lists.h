/* smtp/recipient_lists.h - files of recipients that exist, for routes that verify by a list (verify=list:/path).
 *
 * As in other lists of addresses: user@example.org, @example.org for all of a domain, .example.org, user@. Files are
 * opened when they are first asked for, and watched.
 *
 * Threads: the loop's. Memory: recipient_lists_new() to recipient_lists_free(); a list is valid until the next
 * recipient_lists_keep().
 */
#ifndef SMTP_RECIPIENT_LISTS_H
#define SMTP_RECIPIENT_LISTS_H

#include "gateway/mail/address.h"

struct recipient_lists;
struct recipient_list;

enum listed { LISTED_NO, LISTED_YES, LISTED_UNKNOWN /* the file has never been read without fault */ };

struct recipient_lists *recipient_lists_new(void);
void recipient_lists_free(struct recipient_lists *lists); /* NULL is fine */
struct recipient_list *recipient_lists_get(struct recipient_lists *lists, const char *path);
/* recipient_list_has - `delimiters`: one of these begins an extension of a local part that may be left out. */
enum listed recipient_list_has(const struct recipient_list *list, const struct address *recipient,
                               const char *delimiters);
/* recipient_lists_look - reads what has changed, up to `bytes` of a file, of a few files each time. */
void recipient_lists_look(struct recipient_lists *lists, size_t bytes);
/* recipient_lists_begin, recipient_lists_keep - those that are not got in between are forgotten. */
void recipient_lists_begin(struct recipient_lists *lists);
void recipient_lists_keep(struct recipient_lists *lists);
size_t recipient_lists_count(const struct recipient_lists *lists);

#endif
