/* tests/kit/fuzz_main.c - runs a fuzz target once on each of its seeds, without libFuzzer.
 *
 * So that ctest, with gcc's sanitizers, shows at every change that targets still build and that no seed and no input
 * that was once a finding (they are kept as seeds) trips them again. usage: fuzz_NAME FOLDER... ; a folder without
 * seeds is a failure, for then nothing would have been tested.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/strbuf.h"

enum { SEED_MOST_BYTES = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static bool run_seed(const char *folder, const char *name)
{
    char path[4096];
    FILE *file;
    uint8_t *bytes;
    size_t len;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return false;
    }
    bytes = malloc(SEED_MOST_BYTES);
    len = bytes ? fread(bytes, 1, SEED_MOST_BYTES, file) : 0;
    fclose(file);
    /* A block of exactly the seed's size, as libFuzzer gives it: a read past its end is seen. */
    uint8_t *exact = malloc(len ? len : 1);
    if (exact && bytes) {
        memcpy(exact, bytes, len);
        printf("%s (%zu bytes)\n", path, len);
        fflush(stdout);
        LLVMFuzzerTestOneInput(exact, len);
    }
    free(exact);
    free(bytes);
    return true;
}

int main(int argc, char **argv)
{
    int seeds = 0;

    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);

        for (struct dirent *entry; folder && (entry = readdir(folder));)
            if (entry->d_name[0] != '.' && run_seed(argv[i], entry->d_name))
                seeds++;
        if (folder)
            closedir(folder);
    }
    printf("%d seeds\n", seeds);
    return seeds ? 0 : 1;
}
