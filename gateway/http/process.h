/* http/process.h - what the kernel counts of this process. */
#ifndef HTTP_PROCESS_H
#define HTTP_PROCESS_H

#include <stdint.h>

struct process_figures {
    int64_t cpu_us;
    int64_t resident_bytes; /* 0: not known */
    int64_t open_fds, max_fds;
};

void process_read(struct process_figures *out);

#endif
