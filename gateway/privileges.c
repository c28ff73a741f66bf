/* gateway/privileges.c - giving up root for good. */
#include "gateway/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_root(void)
{
    return geteuid() == 0;
}

static const struct passwd *find_user(const char *user, char *error, size_t size)
{
    const struct passwd *pw = getpwnam(user);

    if (!pw)
        snprintf(error, size,
                 "there is no user \"%s\"; make one (useradd --system --home-dir /nonexistent --shell "
                 "/usr/sbin/nologin %s) or name another with `user`",
                 user, user);
    return pw;
}

static bool is_folder(const char *path, char *error, size_t size)
{
    struct stat st;

    if (!stat(path, &st) && S_ISDIR(st.st_mode))
        return true;
    snprintf(error, size, "%s is no folder; remove it, or name another one", path);
    return false;
}

static bool make_path(char *path, char *error, size_t size)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        if (mkdir(path, slash ? 0755 : 0700) && errno != EEXIST) {
            snprintf(error, size, "cannot make %s: %s", path, strerror(errno));
            return false;
        }
        if (!slash)
            return is_folder(path, error, size);
        *slash = '/';
    }
}

bool privileges_prepare(const char *user, const char *directory, char *error, size_t size)
{
    char path[4096];

    if (directory[0] != '/' || strlen(directory) >= sizeof path) {
        snprintf(error, size, "\"%s\" is no absolute path; write state = \"/var/lib/postern\"", directory);
        return false;
    }
    memcpy(path, directory, strlen(directory) + 1);
    if (!make_path(path, error, size))
        return false;
    if (!is_root())
        return true;
    const struct passwd *pw = find_user(user, error, size);

    if (!pw)
        return false;
    if (chown(directory, pw->pw_uid, pw->pw_gid)) {
        snprintf(error, size, "cannot give %s to %s: %s", directory, user, strerror(errno));
        return false;
    }
    return true;
}

static bool become(const struct passwd *pw, char *error, size_t size)
{
    if (!initgroups(pw->pw_name, pw->pw_gid) && !setgid(pw->pw_gid) && !setuid(pw->pw_uid))
        return true;
    snprintf(error, size, "cannot become %s: %s", pw->pw_name, strerror(errno));
    return false;
}

bool privileges_drop(const char *user, char *error, size_t size)
{
    if (is_root()) {
        const struct passwd *pw = find_user(user, error, size);

        if (!pw || !become(pw, error, size))
            return false;
        if (pw->pw_uid && (is_root() || !setuid(0))) {
            snprintf(error, size, "still root after becoming %s", user);
            return false;
        }
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
        snprintf(error, size, "PR_SET_NO_NEW_PRIVS: %s", strerror(errno));
        return false;
    }
    return true;
}

bool privileges_suffice(const char *directory, char *error, size_t size)
{
    if (!access(directory, W_OK | X_OK))
        return true;
    snprintf(error, size, "cannot write into %s: %s; give it to the user that the gateway runs as, or name another one",
             directory, strerror(errno));
    return false;
}
