/* rules/sieve/sieve_file.c - where a sieve comes from. */
#include "rules/sieve/sieve_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"

enum {
    REQUEST_BYTES_MAX = 64 * 1024 * 1024,
    CHILD_MS_MAX = 30 * 60 * 1000,
    UNUSED_MS = 7 * 24 * 3600 * 1000, /* after which a file of other rules is removed */
    PATH_BYTES = 4096,
};

struct sieve_file {
    bool has_looked; /* for the file */
    size_t patterns; /* of the set */
    struct strbuf request;
    bool is_worth_it;
    unsigned char key[SIEVE_KEY_BYTES];
    const char *program;
    pid_t child;
    int made; /* what the child writes to */
    int lock; /* that we compile */
    int64_t started_ms;
};

struct sieve_file *sieve_file_new(const struct matcher *m, const struct ruleset *set, const char *program)
{
    struct sieve_file *f = mem_alloc(sizeof *f);

    f->patterns = set->count;
    f->program = program ? program : "/proc/self/exe";
    f->child = f->made = f->lock = -1;
    strbuf_init(&f->request, REQUEST_BYTES_MAX);
    f->is_worth_it = sieve_request(m, set, &f->request, f->key);
    return f;
}

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void end_child(struct sieve_file *f)
{
    if (f->child > 0) {
        kill(f->child, SIGKILL);
        while (waitpid(f->child, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    f->child = -1;
    shut(&f->made);
    shut(&f->lock);
}

void sieve_file_free(struct sieve_file *f)
{
    if (!f)
        return;
    end_child(f);
    strbuf_release(&f->request);
    free(f);
}

/* ---- the file ---- */

static void path_of(const struct sieve_file *f, const char *folder, char out[PATH_BYTES])
{
    char hex[33] = "";

    for (size_t i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", f->key[i]);
    snprintf(out, PATH_BYTES, "%s/rules-%s.sieve", folder, hex);
}

/* Maps what is behind `fd`, which may be anything. NULL with why. */
static struct sieve *load(const struct sieve_file *f, int fd, const char **wrong)
{
    struct stat about;

    *wrong = "it cannot be read";
    if (fstat(fd, &about) < 0 || !S_ISREG(about.st_mode) || about.st_size <= 0)
        return NULL;
    void *bytes = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

    if (bytes == MAP_FAILED)
        return NULL;
    struct sieve *sieve = sieve_load(span_make(bytes, (size_t)about.st_size), f->key, f->patterns, wrong);

    munmap(bytes, (size_t)about.st_size);
    return sieve;
}

static void tell(enum log_level level, const char *state, const char *file, const char *reason, int64_t took_ms)
{
    struct log_line line;

    log_start(&line, level, "rules_sieve");
    log_cstr(&line, "state", state);
    if (file)
        log_cstr(&line, "file", file);
    if (reason)
        log_cstr(&line, "reason", reason);
    if (took_ms >= 0)
        log_int(&line, "took_ms", took_ms);
    log_send(&line);
}

/* Hyperscan takes a database's bytes as they are, and a check sum is no signature. */
static bool is_our_own(int fd, const char **wrong)
{
    struct stat about;
    bool is_ours = fstat(fd, &about) == 0 && (about.st_uid == geteuid() || about.st_uid == 0) &&
                   !(about.st_mode & (S_IWGRP | S_IWOTH));

    if (!is_ours)
        *wrong = "it belongs to another user, or others may write to it";
    return is_ours;
}

static struct sieve *load_file(const struct sieve_file *f, const char *folder)
{
    char path[PATH_BYTES];
    const char *wrong;

    path_of(f, folder, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return NULL;
    int64_t start_us = clock_mono_us();
    struct sieve *sieve = is_our_own(fd, &wrong) ? load(f, fd, &wrong) : NULL;

    if (sieve) {
        futimens(fd, NULL); /* it is in use; refused where the folder is not ours */
        tell(LOG_INFO, "loaded", path, NULL, (clock_mono_us() - start_us) / 1000);
    } else {
        tell(LOG_WARN, "damaged", path, wrong, -1);
        unlink(path);
    }
    close(fd);
    return sieve;
}

static bool copy_all(int from, int to)
{
    char bytes[65536];
    ssize_t got = 0;

    if (lseek(from, 0, SEEK_SET) < 0)
        return false;
    while ((got = read(from, bytes, sizeof bytes)) > 0)
        for (ssize_t done = 0, more; done < got; done += more)
            if ((more = write(to, bytes + done, (size_t)(got - done))) <= 0)
                return false;
    return got == 0;
}

static void save(const struct sieve_file *f, const char *folder)
{
    char path[PATH_BYTES], temporary[PATH_BYTES];

    path_of(f, folder, path);
    snprintf(temporary, sizeof temporary, "%s/rules-XXXXXX", folder);
    int fd = mkostemp(temporary, O_CLOEXEC);

    if (fd >= 0 && copy_all(f->made, fd) && rename(temporary, path) == 0) {
        close(fd);
        return;
    }
    tell(LOG_WARN, "not saved", path, strerror(errno), -1);
    if (fd >= 0) {
        unlink(temporary);
        close(fd);
    }
}

/* rules-HEX.sieve, and what save() writes first. */
static bool is_name_of_ours(const char *name)
{
    struct span s = span_of(name);

    return span_starts(s, SPAN("rules-")) && (s.len == strlen("rules-XXXXXX") || span_ends(s, SPAN(".sieve")));
}

/* Files of rules that nobody has used for long, and what a crash has left. */
static void clear_out(const char *folder)
{
    DIR *listing = opendir(folder);

    for (struct dirent *entry; listing && (entry = readdir(listing));) {
        struct stat about;

        if (!is_name_of_ours(entry->d_name) ||
            fstatat(dirfd(listing), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(about.st_mode))
            continue;
        if (clock_wall_ms() - about.st_mtim.tv_sec * 1000LL > UNUSED_MS)
            unlinkat(dirfd(listing), entry->d_name, 0);
    }
    if (listing)
        closedir(listing);
}

/* ---- the child ---- */

/* false: another process compiles, and its file is to be waited for. */
static bool is_our_turn(struct sieve_file *f, const char *folder)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s/rules.lock", folder);
    f->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (f->lock < 0 || flock(f->lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return true;
    shut(&f->lock);
    return false;
}

static int spawn(struct sieve_file *f, int request)
{
    char name[] = "postern", command[] = "compile-rules";
    char *const arguments[] = { name, command, NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, request, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, f->made, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int error = posix_spawn(&f->child, f->program, &actions, &attributes, arguments, environ);

    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        f->child = -1;
    return error;
}

static bool start_child(struct sieve_file *f)
{
    int request = memfd_create("rules-request", MFD_CLOEXEC);
    int error = 0;

    f->made = memfd_create("rules-sieve", MFD_CLOEXEC);
    if (request < 0 || f->made < 0 || write(request, f->request.data, f->request.len) != (ssize_t)f->request.len ||
        lseek(request, 0, SEEK_SET) < 0)
        error = errno;
    if (!error)
        error = spawn(f, request);
    shut(&request);
    if (error)
        tell(LOG_WARN, "not compiled", NULL, strerror(error), -1);
    else
        tell(LOG_INFO, "compiling", NULL, NULL, -1);
    f->started_ms = clock_mono_ms();
    return !error;
}

static struct sieve *take_result(struct sieve_file *f, const char *folder, int status)
{
    const char *wrong = "its child has failed";
    bool is_good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    struct sieve *sieve = is_good ? load(f, f->made, &wrong) : NULL;

    f->child = -1;
    if (sieve) {
        tell(LOG_INFO, "compiled", NULL, NULL, clock_mono_ms() - f->started_ms);
        save(f, folder);
        clear_out(folder);
    } else {
        tell(LOG_WARN, "not compiled", NULL, wrong, clock_mono_ms() - f->started_ms);
    }
    end_child(f);
    return sieve;
}

static enum sieve_news watch_child(struct sieve_file *f, const char *folder, struct sieve **out)
{
    int status = 0;
    pid_t done = waitpid(f->child, &status, WNOHANG);

    if (done == 0 && clock_mono_ms() - f->started_ms < CHILD_MS_MAX)
        return SIEVE_TO_COME;
    if (done < 0) { /* it is not ours any more, and its number may be another's */
        tell(LOG_WARN, "not compiled", NULL, "its child is lost", clock_mono_ms() - f->started_ms);
        f->child = -1;
        end_child(f);
        return SIEVE_NEVER;
    }
    if (done != f->child) {
        tell(LOG_WARN, "not compiled", NULL, "it took too long", clock_mono_ms() - f->started_ms);
        end_child(f);
        return SIEVE_NEVER;
    }
    *out = take_result(f, folder, status);
    return *out ? SIEVE_HERE : SIEVE_NEVER;
}

enum sieve_news sieve_file_turn(struct sieve_file *f, const char *folder, bool may_compile, struct sieve **out)
{
    if (!f->is_worth_it || !folder)
        return SIEVE_NEVER;
    if (f->child > 0)
        return watch_child(f, folder, out);
    if (!may_compile && f->has_looked)
        return SIEVE_TO_COME;
    f->has_looked = true;
    *out = load_file(f, folder);
    if (*out)
        return SIEVE_HERE;
    if (!may_compile || !is_our_turn(f, folder))
        return SIEVE_TO_COME;
    *out = load_file(f, folder); /* it may have been written just before we got the lock */
    if (*out)
        shut(&f->lock);
    else if (!start_child(f))
        end_child(f);
    return *out ? SIEVE_HERE : f->child > 0 ? SIEVE_TO_COME : SIEVE_NEVER;
}
