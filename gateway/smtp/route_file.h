/* smtp/route_file.h - the file of routes, smtp.routes: where the mail of a recipient goes, a line for each pattern.
 *
 *     # pattern          targets and words
 *     example.org        smtp://10.0.0.2:25 priority=10 smtp://10.0.0.3:25 priority=20
 *     .example.org       smtp://10.0.0.4:25 tls=verify
 *     user@example.org   lmtp:unix:/run/lmtp verify=none
 *     *                  smtp://10.0.0.5:25 verify=list:/etc/postern/recipients
 *
 * `priority` and `weight` belong to the target before them, `tls` and `verify` to the line. Letters are compared
 * without case, also in local parts. Lines with the same words behind their patterns are one route: 100,000 domains
 * that go the same way cost one next hop.
 *
 * The file is watched and read in pieces (mail/access_file.h); a version with a fault is not taken.
 *
 * Threads: the loop's. Memory: a table is its own; what is found in it is valid until the file is looked at again.
 */
#ifndef SMTP_ROUTE_FILE_H
#define SMTP_ROUTE_FILE_H

#include "gateway/mail/access_file.h"
#include "gateway/smtp/conf.h"
#include "gateway/smtp/next_hop.h"

struct route_table;

/* What stands behind a pattern. */
struct file_route {
    struct hop_targets targets;
    int tls;                   /* enum hop_tls; -1: as smtp.next_hop_tls */
    struct verify_rule verify; /* kind VERIFY_UNSAID: as smtp.verify_recipients */
    struct next_hop *next_hop; /* its user's: NULL at first; dropped with the table */
};

struct file_match {
    struct file_route *route;
    char pattern[ACCESS_ENTRY_TEXT_MAX]; /* "*": only because nothing else fits */
};

/* route_reader - for access_file_open_as(), with smtp.next_hop_tls for its kind; the file's set is then a struct
 * route_table. */
extern const struct access_reader route_reader;

size_t route_table_count(const struct route_table *t); /* of patterns */
/* route_table_find - for a recipient; `domain` is its domain in normal form, "" for a literal. `delimiters`: one of
 * these begins an extension of a local part that may be left out. */
bool route_table_find(const struct route_table *t, const struct address *recipient, const char *domain,
                      const char *delimiters, struct file_match *out);
/* route_table_route - all routes, one by one; NULL after the last. */
struct file_route *route_table_route(const struct route_table *t, size_t index);

#endif
