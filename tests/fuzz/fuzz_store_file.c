/* tests/fuzz/fuzz_store_file.c - any bytes as the embedded store's file: looked at, and what can be read of it, without
 * a fault; what is given are records within their bounds.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/store/lmdb_check.h"

static bool look(void *arg, struct span key, const struct record_head *head, struct span value)
{
    unsigned *count = arg;

    (void)head;
    if (!op_key_is_good(key) || !value.len || value.len > STORE_VALUE_MAX)
        BUG("a record out of bounds");
    return ++*count < 10000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned count = 0;
    int fd = memfd_create("store", MFD_CLOEXEC);

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        BUG("no file");
    lmdb_check(fd);
    lmdb_salvage(fd, look, &count);
    close(fd);
    return 0;
}
