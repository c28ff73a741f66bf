/* tests/unit/test_in_flight.c - what a gateway that was killed leaves behind is named by the next one. */
#include "tests/kit/expect.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "gateway/smtp/in_flight.h"

static const struct addr client = { .family = ADDR_IP4, .bytes = { 192, 0, 2, 1 } };

static struct in_flight *open_in(const char *folder)
{
    char error[600] = "";
    struct in_flight *f = in_flight_open(folder, error, sizeof error);

    EXPECT_STR("", error);
    assert_non_null(f);
    return f;
}

/* What the log says while the next gateway opens its own file. */
static void read_log(const char *folder, char *out, size_t size)
{
    FILE *file = tmpfile();

    log_to_fd(fileno(file));
    in_flight_close(open_in(folder));
    log_to_fd(STDERR_FILENO);
    rewind(file);
    out[fread(out, 1, size - 1, file)] = '\0';
    fclose(file);
}

static size_t count_files(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t count = 0;

    for (const struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void the_dead_ones_messages_are_named(void **state)
{
    char folder[] = "/tmp/in-flight-XXXXXX", log[10000];
    int status = 0;

    (void)state;
    assert_non_null(mkdtemp(folder));
    struct in_flight *alive = open_in(folder);
    pid_t child = fork();

    if (child == 0) {
        struct in_flight *f = open_in(folder);

        in_flight_begin(f, "01AAAAAAAAAAAAAAAAAAAAAAAA", &client);
        in_flight_begin(f, "01BBBBBBBBBBBBBBBBBBBBBBBB", &client);
        in_flight_begin(f, "01CCCCCCCCCCCCCCCCCCCCCCCC", &client);
        in_flight_end(f, "01BBBBBBBBBBBBBBBBBBBBBBBB");
        raise(SIGKILL);
    }
    EXPECT_INT(child, waitpid(child, &status, 0));
    in_flight_begin(alive, "01DDDDDDDDDDDDDDDDDDDDDDDD", &client);
    in_flight_close(alive); /* its own file goes with it, named by nobody */
    read_log(folder, log, sizeof log);
    EXPECT_TRUE(strstr(log, "event=interrupted id=01AAAAAAAAAAAAAAAAAAAAAAAA client=192.0.2.1") != NULL);
    EXPECT_TRUE(strstr(log, "id=01CCCCCCCCCCCCCCCCCCCCCCCC") != NULL);
    EXPECT_NULL(strstr(log, "01BBBB"));
    EXPECT_NULL(strstr(log, "01DDDD"));
    read_log(folder, log, sizeof log);
    EXPECT_STR("", log); /* once */
    EXPECT_INT(0, count_files(folder));
    rmdir(folder);
}

static void many_come_and_go(void **state)
{
    char folder[] = "/tmp/in-flight-XXXXXX", ids[300][ULID_SIZE];
    unsigned seed = 7;

    (void)state;
    assert_non_null(mkdtemp(folder));
    struct in_flight *f = open_in(folder);

    for (size_t i = 0; i < COUNT(ids); i++)
        snprintf(ids[i], sizeof ids[i], "01ABCDEFGHJKMNPQRSTVWX%04zu", i);
    for (int turn = 0; turn < 100000; turn++) {
        static bool is_in[COUNT(ids)];
        size_t which = (seed = seed * 1103515245 + 12345) / 65536 % COUNT(ids);

        if (is_in[which])
            in_flight_end(f, ids[which]);
        else
            in_flight_begin(f, ids[which], &client);
        is_in[which] = !is_in[which];
        if (turn == 99999) {
            size_t count = 0;

            for (size_t i = 0; i < COUNT(ids); i++)
                count += is_in[i];
            EXPECT_INT(count, in_flight_count(f));
            for (size_t i = 0; i < COUNT(ids); i++)
                in_flight_end(f, ids[i]);
            EXPECT_INT(0, in_flight_count(f));
        }
    }
    in_flight_close(f);
    rmdir(folder);
}

static void more_than_fit_are_not_noted(void **state)
{
    char folder[] = "/tmp/in-flight-XXXXXX", id[ULID_SIZE];

    (void)state;
    assert_non_null(mkdtemp(folder));
    struct in_flight *f = open_in(folder);

    for (size_t i = 0; i < IN_FLIGHT_MOST + 10; i++) {
        snprintf(id, sizeof id, "01ABCDEFGHJKMNPQRSTVW%05zu", i);
        in_flight_begin(f, id, &client);
    }
    EXPECT_INT(IN_FLIGHT_MOST, in_flight_count(f));
    in_flight_end(f, id); /* never noted */
    EXPECT_INT(IN_FLIGHT_MOST, in_flight_count(f));
    in_flight_close(f);
    rmdir(folder);
}

static void a_folder_that_is_not_there_is_told_and_tried_again(void **state)
{
    char folder[] = "/tmp/in-flight-XXXXXX", error[600] = "";

    (void)state;
    assert_non_null(mkdtemp(folder));
    rmdir(folder);
    struct in_flight *f = in_flight_open(folder, error, sizeof error);

    EXPECT_TRUE(strstr(error, folder) != NULL && strstr(error, "/in-flight.") != NULL);
    in_flight_begin(f, "01AAAAAAAAAAAAAAAAAAAAAAAA", &client);
    in_flight_end(f, "01AAAAAAAAAAAAAAAAAAAAAAAA");
    EXPECT_INT(0, in_flight_count(f));
    EXPECT_INT(0, mkdir(folder, 0700));
    for (int i = 0; i < 1000 && !in_flight_count(f); i++) {
        in_flight_begin(f, "01BBBBBBBBBBBBBBBBBBBBBBBB", &client);
        usleep(10000);
    }
    EXPECT_INT(1, in_flight_count(f));
    EXPECT_INT(1, count_files(folder));
    in_flight_close(f);
    EXPECT_INT(0, count_files(folder));
    rmdir(folder);
}

static void a_path_that_is_too_long_is_told(void **state)
{
    char folder[600], error[600] = "";

    (void)state;
    snprintf(folder, sizeof folder, "/%0598d", 0);
    EXPECT_NULL(in_flight_open(folder, error, sizeof error));
    EXPECT_TRUE(strstr(error, "too long") != NULL);
    in_flight_begin(NULL, "01AAAAAAAAAAAAAAAAAAAAAAAA", &client);
    in_flight_end(NULL, "01AAAAAAAAAAAAAAAAAAAAAAAA");
    in_flight_close(NULL);
}

RUN_TESTS(TEST(the_dead_ones_messages_are_named), TEST(many_come_and_go), TEST(more_than_fit_are_not_noted),
          TEST(a_folder_that_is_not_there_is_told_and_tried_again), TEST(a_path_that_is_too_long_is_told))
