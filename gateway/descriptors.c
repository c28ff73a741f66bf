/* gateway/descriptors.c - the limit of open files. */
#include "gateway/descriptors.h"

#include <sys/resource.h>

#include "gateway/base/log.h"

/* Look-ups, the state store, lists, what is inherited. SPOOLING: with the file of a message that is too large for
 * memory. */
enum { OTHERS = 256, SPOOLING = 2 };

static uint64_t of_door(const struct conf_endpoints *places, int64_t connections, uint64_t each)
{
    return places->count ? (uint64_t)connections * each : 0;
}

/* Targets of a file of routes are not known yet; mostly they are few, or idle. */
static uint64_t count_targets(const struct smtp_conf *smtp)
{
    const struct smtp_route *routes = smtp->routes.items;
    uint64_t count = smtp->next_hop.count + smtp->auth_hop.count;

    for (size_t i = 0; i < smtp->routes.count; i++)
        count += routes[i].next_hop.count;
    return count;
}

uint64_t descriptors_wanted(const struct config *config)
{
    const struct smtp_conf *smtp = &config->smtp;

    return OTHERS + of_door(&smtp->places, smtp->connections_most, SPOOLING) +
           of_door(&smtp->places, smtp->hop_connections_most, count_targets(smtp)) +
           of_door(&config->http.listen, config->http.connections_most, SPOOLING) +
           of_door(&config->policy.listen, config->policy.connections_most, 1) +
           of_door(&config->milter.listen, config->milter.connections_most, SPOOLING);
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
