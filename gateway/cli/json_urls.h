/* cli/json_urls.h - the URLs that were found in a message, for commands that print JSON. Threads: one. */
#ifndef CLI_JSON_URLS_H
#define CLI_JSON_URLS_H

#include <jansson.h>

#include "gateway/content/content.h"

/* cli_json_urls - an array; the caller's. */
json_t *cli_json_urls(struct message *m);
/* cli_json_url_flags - the names of what is odd about one. */
json_t *cli_json_url_flags(unsigned flags);

#endif
