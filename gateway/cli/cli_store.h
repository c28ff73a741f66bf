/* cli/cli_store.h - the state store, opened by a command while the gateway may run. */
#ifndef CLI_CLI_STORE_H
#define CLI_CLI_STORE_H

#include "gateway/config.h"
#include "gateway/store/store.h"

/* cli_store_open - as the gateway's user, so that its file never becomes root's. NULL: it has told why not. */
struct store *cli_store_open(struct loop *loop, const struct config *config);

/* A bar on a terminal, at standard error. */
struct progress {
    uint64_t all, done; /* bytes; `all` 0: not known */
    int64_t shown_ms;
    bool is_wanted;
};

void progress_start(struct progress *p, uint64_t all);
/* progress_show - now and then, and at the end; `count` of `what`. */
void progress_show(struct progress *p, uint64_t count, const char *what, bool is_end);

#endif
