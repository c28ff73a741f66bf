/* gateway/sockets.c - the listening sockets of all doors. */
#include "gateway/sockets.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/doors.h"
#include "gateway/net/listener.h"

static const struct open_socket *find(const struct sockets *sockets, const struct endpoint *at)
{
    for (size_t i = 0; sockets && i < sockets->count; i++)
        if (endpoint_eq(&sockets->items[i].at, at))
            return &sockets->items[i];
    return NULL;
}

static bool has_descriptor(const struct sockets *sockets, int fd)
{
    for (size_t i = 0; sockets && i < sockets->count; i++)
        if (sockets->items[i].fd == fd)
            return true;
    return false;
}

/* A socket's group may be any when we are root, else one of ours. */
static bool give_to_group(const struct config *config, const struct endpoint *at, char *error, size_t size)
{
    if (!at->path[0] || !config->socket_group || !config->socket_group[0])
        return true;
    const struct group *group = getgrnam(config->socket_group);

    if (!group) {
        snprintf(error, size, "socket_group: there is no group \"%s\"", config->socket_group);
        return false;
    }
    if (chown(at->path, (uid_t)-1, group->gr_gid)) {
        snprintf(error, size,
                 "socket_group: %s cannot be given to the group %s: %s; start as root, or as one of its members",
                 at->path, config->socket_group, strerror(errno));
        return false;
    }
    return true;
}

static int open_new(const struct config *config, const struct endpoint *at, char *error, size_t size)
{
    int fd = listener_open(at, config->socket_mode, error, size);

    if (fd >= 0 && !give_to_group(config, at, error, size)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* An open one whose file somebody has removed is of no use; what its file may and whose it is follows the configuration
 * over reloads. */
static int keep_or_open(const struct open_socket *known, const struct config *config, const struct endpoint *at,
                        char *error, size_t size)
{
    struct stat st;

    if (!known || (at->path[0] && (lstat(at->path, &st) || !S_ISSOCK(st.st_mode))))
        return open_new(config, at, error, size);
    if (!at->path[0])
        return known->fd;
    if (chmod(at->path, config->socket_mode)) {
        snprintf(error, size, "socket_mode: %s: %s", at->path, strerror(errno));
        return -1;
    }
    return give_to_group(config, at, error, size) ? known->fd : -1;
}

static bool open_one(const char *door, const struct endpoint *at, const struct config *config,
                     const struct sockets *old, struct sockets *out, char *error, size_t size)
{
    char text[ENDPOINT_TEXT_MAX];

    if (out->count == SOCKETS_MAX) {
        snprintf(error, size, "more than %d listeners", SOCKETS_MAX);
        return false;
    }
    if (find(out, at)) {
        snprintf(error, size, "%s listens on %s twice", door, endpoint_text(at, text));
        return false;
    }
    int fd = keep_or_open(find(old, at), config, at, error, size);

    if (fd < 0)
        return false;
    out->items[out->count++] = (struct open_socket){ door, *at, fd };
    return true;
}

static bool open_door(const struct door_kind *kind, const struct config *config, const struct sockets *old,
                      struct sockets *out, char *error, size_t size)
{
    const struct conf_endpoints *at = kind->listens(config);

    for (size_t i = 0; i < at->count; i++)
        if (!open_one(kind->name, &at->items[i], config, old, out, error, size))
            return false;
    return true;
}

bool sockets_open(const struct config *config, const struct sockets *old, struct sockets *out, char *error, size_t size)
{
    *out = (struct sockets){ .count = 0 };
    for (size_t i = 0; i < door_kind_count; i++) {
        if (open_door(&door_kinds[i], config, old, out, error, size))
            continue;
        sockets_close_others(out, old);
        return false;
    }
    return true;
}

void sockets_close_others(const struct sockets *old, const struct sockets *kept)
{
    for (size_t i = 0; i < old->count; i++)
        if (!has_descriptor(kept, old->items[i].fd))
            close(old->items[i].fd);
}

void sockets_to_text(const struct sockets *sockets, struct strbuf *out)
{
    char text[ENDPOINT_TEXT_MAX];

    for (size_t i = 0; i < sockets->count; i++)
        strbuf_putf(out, "%s %d %s\n", sockets->items[i].door, sockets->items[i].fd,
                    endpoint_text(&sockets->items[i].at, text));
}

static bool take_line(struct span line, struct sockets *out)
{
    struct open_socket *s = &out->items[out->count];
    struct span door, number;
    uint64_t fd = 0;

    if (out->count == SOCKETS_MAX || !span_word(&line, &door) || !span_word(&line, &number) || line.len == 0)
        return false;
    for (size_t i = 0; i < door_kind_count; i++)
        if (span_is(door, door_kinds[i].name))
            s->door = door_kinds[i].name;
    if (!s->door || endpoint_parse(span_skip(line, 1), 0, &s->at) || span_u64(number, 1 << 20, &fd))
        return false;
    s->fd = (int)fd;
    out->count++;
    return true;
}

bool sockets_from_text(struct span text, struct sockets *out)
{
    struct span line;

    *out = (struct sockets){ .count = 0 };
    while (span_cut(&text, '\n', &line))
        if (line.len && !take_line(line, out))
            return false;
    return true;
}
