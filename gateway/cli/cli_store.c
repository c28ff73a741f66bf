/* cli/cli_store.c - what the commands about the state store share. */
#include "gateway/cli/cli_store.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/privileges.h"

enum { PROGRESS_MS = 100, BAR_WIDTH = 40 };

/* Until the store is open; its files are then the gateway's user's. */
static bool as_user(const char *user, bool is_on)
{
    const struct passwd *pw = is_on && getuid() == 0 ? getpwnam(user) : NULL;

    if (getuid())
        return true;
    if (!is_on)
        return !seteuid(0) && !setegid(getgid());
    return !pw || (!setegid(pw->pw_gid) && !seteuid(pw->pw_uid));
}

struct store *cli_store_open(struct loop *loop, const struct config *config)
{
    struct store *store = NULL;
    char error[500] = "";

    if (config->store.backend == STORE_LMDB && !privileges_prepare(config->user, config->state, error, sizeof error)) {
        fprintf(stderr, "postern: %s\n", error);
        return NULL;
    }
    if (as_user(config->user, true))
        store = store_new(loop, &config->store, config->state, error, sizeof error);
    else
        snprintf(error, sizeof error, "cannot become %s: %s", config->user, strerror(errno));
    as_user(config->user, false);
    if (!store)
        fprintf(stderr, "postern: the store does not open%s%s: %s\n", geteuid() ? "" : " for the user ",
                geteuid() ? "" : config->user, error);
    return store;
}

void progress_start(struct progress *p, uint64_t all)
{
    *p = (struct progress){ .all = all, .is_wanted = isatty(STDERR_FILENO) };
}

void progress_show(struct progress *p, uint64_t count, const char *what, bool is_end)
{
    static const char bar[] = "########################################";
    int64_t now_ms = clock_mono_ms();

    if (!p->is_wanted || (!is_end && now_ms - p->shown_ms < PROGRESS_MS))
        return;
    p->shown_ms = now_ms;
    if (p->all) {
        uint64_t done = p->done < p->all ? p->done * BAR_WIDTH / p->all : BAR_WIDTH;

        fprintf(stderr, "\r[%-*.*s] ", BAR_WIDTH, (int)done, bar);
    } else {
        fputc('\r', stderr);
    }
    fprintf(stderr, "%llu %s%s", (unsigned long long)count, what, is_end ? "\n" : "");
}
