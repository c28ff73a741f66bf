/* http/process.c - CPU, memory and descriptors of this process, by getrusage() and /proc/self. */
#include "gateway/http/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gateway/base/span.h"

static int64_t micros(const struct timeval *t)
{
    return (int64_t)t->tv_sec * 1000000 + t->tv_usec;
}

static int64_t count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int64_t n = -3; /* ".", "..", and the one that reads them */

    if (!folder)
        return 0;
    while (readdir(folder))
        n++;
    closedir(folder);
    return n;
}

/* The second number of statm: resident pages. */
static int64_t resident(void)
{
    char text[256];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    struct span rest = span_make(text, n > 0 ? (size_t)n : 0), word = { NULL, 0 };
    uint64_t pages = 0;

    if (fd >= 0)
        close(fd);
    if (!span_word(&rest, &word) || !span_word(&rest, &word) || span_u64(word, INT64_MAX >> 16, &pages))
        return 0;
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

void process_read(struct process_figures *out)
{
    struct rusage use;
    struct rlimit limit;

    *out = (struct process_figures){ .resident_bytes = resident(), .open_fds = count_fds() };
    if (!getrusage(RUSAGE_SELF, &use))
        out->cpu_us = micros(&use.ru_utime) + micros(&use.ru_stime);
    if (!getrlimit(RLIMIT_NOFILE, &limit))
        out->max_fds = limit.rlim_cur > INT32_MAX ? INT32_MAX : (int64_t)limit.rlim_cur;
}
