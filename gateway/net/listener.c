/* net/listener.c - listening sockets.
 *
 * Several connections are accepted per turn, but not all that wait, so that a flood of new ones does not starve those
 * that are served. Out of descriptors, a level-triggered loop would spin: then accepting rests for REST_MS.
 */
#include "gateway/net/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/log.h"

enum { BACKLOG = 1024, ACCEPTS_PER_TURN = 64, REST_MS = 100, COMPLAIN_MS = 60000 };

/* --- opening --- */

static const char *remedy(int error)
{
    switch (error) {
    case EADDRINUSE: return "; another program listens there: stop it, or choose another place";
    case ENOTSOCK: return "; something else bears that name: remove it, or choose another place";
    case EADDRNOTAVAIL: return "; this machine has no such address";
    case EACCES: return "; ports below 1024 need root or CAP_NET_BIND_SERVICE, a socket file a folder to write in";
    case ENOENT: return "; the folder of the socket does not exist";
    default: return "";
    }
}

static int fail(int fd, const struct endpoint *at, const char *what, char *error, size_t size)
{
    char where[ENDPOINT_TEXT_MAX];
    int code = errno;

    snprintf(error, size, "cannot listen on %s: %s: %s%s", endpoint_text(at, where), what, strerror(code),
             remedy(code));
    if (fd >= 0)
        close(fd);
    return -1;
}

static socklen_t unix_address(const char *path, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (span_copy(span_of(path), out->sun_path, sizeof out->sun_path))
        BUG("a socket path of %zu bytes", strlen(path));
    return sizeof *out;
}

static bool is_socket(const char *path)
{
    struct stat st;

    return !lstat(path, &st) && S_ISSOCK(st.st_mode);
}

/* whether nobody listens at a socket any more */
static bool is_stale(const char *path)
{
    struct sockaddr_un address;
    socklen_t len = unix_address(path, &address);
    bool is_refused = false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return false;
    is_refused = connect(fd, (const struct sockaddr *)&address, len) && errno == ECONNREFUSED;
    close(fd);
    return is_refused;
}

static int bind_unix(int fd, const char *path)
{
    struct sockaddr_un address;
    socklen_t len = unix_address(path, &address);

    if (!bind(fd, (const struct sockaddr *)&address, len))
        return 0;
    if (errno != EADDRINUSE)
        return -1;
    if (!is_socket(path) || !is_stale(path)) {
        errno = is_socket(path) ? EADDRINUSE : ENOTSOCK;
        return -1;
    }
    return unlink(path) || bind(fd, (const struct sockaddr *)&address, len) ? -1 : 0;
}

static int open_unix(const struct endpoint *at, unsigned mode, char *error, size_t size)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return fail(fd, at, "socket", error, size);
    if (fchmod(fd, mode)) /* Linux makes the file with it: at no moment is it open to more */
        return fail(fd, at, "fchmod", error, size);
    if (bind_unix(fd, at->path))
        return fail(fd, at, "bind", error, size);
    if (chmod(at->path, mode)) /* and gives what the umask took away */
        return fail(fd, at, "chmod", error, size);
    if (listen(fd, BACKLOG))
        return fail(fd, at, "listen", error, size);
    return fd;
}

int listener_open(const struct endpoint *at, unsigned mode, char *error, size_t size)
{
    struct sockaddr_storage address;
    int yes = 1;

    if (at->path[0])
        return open_unix(at, mode, error, size);
    if (at->addr.family == ADDR_NONE) {
        snprintf(error, size, "cannot listen on %s: write the address, not a name", at->host);
        return -1;
    }
    socklen_t len = addr_to_sockaddr(&at->addr, at->port, &address);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return fail(fd, at, "socket", error, size);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes))
        return fail(fd, at, "SO_REUSEADDR", error, size);
    if (address.ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes))
        return fail(fd, at, "IPV6_V6ONLY", error, size);
    if (bind(fd, (const struct sockaddr *)&address, len))
        return fail(fd, at, "bind", error, size);
    if (listen(fd, BACKLOG))
        return fail(fd, at, "listen", error, size);
    return fd;
}

/* --- accepting --- */

struct listener {
    struct loop *loop;
    int fd;
    listener_fn *fn;
    void *arg;
    struct watch *watch; /* NULL while paused or resting */
    struct timer *rest;
    bool is_paused;
    bool is_accepting, is_freed; /* freed inside its own call: the memory goes after it */
    int64_t complained_ms;
};

static void rest(struct listener *l, int error)
{
    int64_t now_ms = loop_now_ms(l->loop);

    if (!l->complained_ms || now_ms - l->complained_ms > COMPLAIN_MS) {
        log_warn("accept", "%s: accepting rests; raise the limit of open files", strerror(error));
        l->complained_ms = now_ms;
    }
    watch_free(l->watch);
    l->watch = NULL;
    timer_start(l->rest, REST_MS);
}

/* whether to go on after accept4() failed: most errors belong to the connection that it would have given */
static bool is_passing(int error)
{
    static const int passing[] = { EINTR,     ECONNABORTED, EPROTO,       ENETDOWN,   ENOPROTOOPT, EPERM,
                                   EHOSTDOWN, ENONET,       EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH };

    for (size_t i = 0; i < COUNT(passing); i++)
        if (passing[i] == error)
            return true;
    return false;
}

static void accept_some(void *arg)
{
    struct listener *l = arg;

    l->is_accepting = true;
    for (int i = 0; i < ACCEPTS_PER_TURN && l->watch; i++) {
        struct sockaddr_storage address = { 0 };
        socklen_t len = sizeof address;
        struct addr peer;
        unsigned port = 0;
        int fd = accept4(l->fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            addr_from_sockaddr((const struct sockaddr *)&address, &peer, &port);
            l->fn(l->arg, fd, &peer, port);
        } else if (errno == EAGAIN) {
            break;
        } else if (!is_passing(errno)) {
            rest(l, errno);
        }
    }
    l->is_accepting = false;
    if (l->is_freed)
        free(l);
}

static void watch_again(void *arg)
{
    struct listener *l = arg;

    if (!l->watch && !l->is_paused && !timer_is_running(l->rest))
        l->watch = watch_read(l->loop, l->fd, accept_some, l);
}

struct listener *listener_new(struct loop *loop, int fd, listener_fn *fn, void *arg)
{
    struct listener *l = mem_alloc(sizeof *l);

    *l = (struct listener){ .loop = loop, .fd = fd, .fn = fn, .arg = arg };
    l->rest = timer_new(loop, watch_again, l);
    watch_again(l);
    return l;
}

void listener_pause(struct listener *l)
{
    l->is_paused = true;
    watch_free(l->watch);
    l->watch = NULL;
}

void listener_resume(struct listener *l)
{
    l->is_paused = false;
    watch_again(l);
}

void listener_free(struct listener *l)
{
    if (!l)
        return;
    watch_free(l->watch);
    l->watch = NULL;
    timer_free(l->rest);
    close(l->fd);
    l->is_freed = true;
    if (!l->is_accepting)
        free(l);
}
