/* gateway/descriptors.c - the limit of open files. */
#include "gateway/descriptors.h"

#include <sys/resource.h>

#include "gateway/base/log.h"

/* Look-ups, the state store, lists, spooled messages, what is inherited. */
enum { OTHERS = 256 };

static uint64_t of_door(const struct conf_endpoints *places, int64_t connections)
{
    return places->count ? (uint64_t)connections : 0;
}

uint64_t descriptors_wanted(const struct config *config)
{
    const struct smtp_conf *smtp = &config->smtp;
    uint64_t hops = (uint64_t)smtp->hop_connections_most * (smtp->routes.count + 1);

    return OTHERS + of_door(&smtp->places, smtp->connections_most + (int64_t)hops) +
           of_door(&config->http.listen, config->http.connections_most) +
           of_door(&config->policy.listen, config->policy.connections_most) +
           of_door(&config->milter.listen, config->milter.connections_most);
}

void descriptors_raise(const struct config *config)
{
    uint64_t wanted = descriptors_wanted(config);
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        return;
    if (limit.rlim_max < wanted) {
        const struct rlimit more = { .rlim_cur = wanted, .rlim_max = wanted };

        if (!setrlimit(RLIMIT_NOFILE, &more))
            limit = more;
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < wanted)
        log_warn("descriptors",
                 "%llu files may be open at once, but all `connections` together may take %llu: raise the limit "
                 "(LimitNOFILE= in the systemd unit, ulimit -n), or lower `connections`",
                 (unsigned long long)limit.rlim_max, (unsigned long long)wanted);
}
