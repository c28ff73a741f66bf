/* tests/unit/test_sockets.c - listening sockets on their way to the gateway, and over a reload. */
#include "tests/kit/expect.h"

#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/sockets.h"

static struct endpoint ports[3];

/* A configuration that listens on `count` of the ports, from the first on. */
static struct config listening(size_t count)
{
    struct config config = { .smtp.places = { ports, count } };

    for (size_t i = 0; i < COUNT(ports); i++)
        EXPECT_INT(FAULT_NONE, endpoint_parse(SPAN("127.0.0.1:0"), 0, &ports[i]));
    return config;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void what_stays_keeps_its_descriptor_and_the_rest_is_closed(void **state)
{
    char error[200] = "";
    struct sockets first, second;
    struct config config = listening(1);

    (void)state;
    EXPECT_TRUE(sockets_open(&config, NULL, &first, error, sizeof error));
    EXPECT_INT(1, first.count);
    EXPECT_TRUE(sockets_open(&config, &first, &second, error, sizeof error));
    EXPECT_INT(first.items[0].fd, second.items[0].fd);
    config.smtp.places.count = 0;
    EXPECT_TRUE(sockets_open(&config, &first, &second, error, sizeof error));
    EXPECT_INT(0, second.count);
    EXPECT_TRUE(is_open(first.items[0].fd));
    sockets_close_others(&first, &second);
    EXPECT_FALSE(is_open(first.items[0].fd));
}

static void a_listener_twice_is_refused_and_nothing_stays_open(void **state)
{
    char error[200] = "";
    struct sockets sockets;
    struct config config = listening(2);
    int before = dup(0);

    (void)state;
    close(before);
    EXPECT_FALSE(sockets_open(&config, NULL, &sockets, error, sizeof error));
    EXPECT_STR("smtp listens on 127.0.0.1:0 twice", error);
    int after = dup(0);

    close(after);
    EXPECT_INT(before, after);
}

static void a_unix_socket_has_the_mode_and_the_group_that_are_wanted(void **state)
{
    char folder[] = "/tmp/postern-sockets-XXXXXX", error[400] = "";
    const struct group *group = getgrgid(getegid());
    struct config config = listening(0);
    struct sockets sockets;
    struct stat st;

    (void)state;
    EXPECT_TRUE(mkdtemp(folder) != NULL);
    snprintf(ports[0].path, sizeof ports[0].path, "%s/socket", folder);
    config.milter.listen = (struct conf_endpoints){ ports, 1 };
    config.socket_mode = 0606;
    config.socket_group = group ? group->gr_name : "";
    EXPECT_TRUE(sockets_open(&config, NULL, &sockets, error, sizeof error));
    EXPECT_INT(0, stat(ports[0].path, &st));
    EXPECT_INT(0606, st.st_mode & 0777);
    EXPECT_INT(getegid(), st.st_gid);
    sockets_close_others(&sockets, NULL);
    unlink(ports[0].path);
    config.socket_group = "no-such-group";
    EXPECT_FALSE(sockets_open(&config, NULL, &sockets, error, sizeof error));
    EXPECT_STR("socket_group: there is no group \"no-such-group\"", error);
    unlink(ports[0].path);
    rmdir(folder);
}

/* A reload: what was wrong with a socket's file is mended, and the connection queue goes on. */
static void over_a_reload_a_file_follows_the_configuration(void **state)
{
    char folder[] = "/tmp/postern-sockets-XXXXXX", error[400] = "";
    struct config config = listening(0);
    struct sockets first, second, third;
    struct stat st;

    (void)state;
    EXPECT_TRUE(mkdtemp(folder) != NULL);
    snprintf(ports[0].path, sizeof ports[0].path, "%s/socket", folder);
    config.milter.listen = (struct conf_endpoints){ ports, 1 };
    config.socket_mode = 0600;
    EXPECT_TRUE(sockets_open(&config, NULL, &first, error, sizeof error));
    config.socket_mode = 0666;
    EXPECT_TRUE(sockets_open(&config, &first, &second, error, sizeof error));
    EXPECT_INT(first.items[0].fd, second.items[0].fd);
    EXPECT_INT(0, stat(ports[0].path, &st));
    EXPECT_INT(0666, st.st_mode & 0777);
    unlink(ports[0].path);
    EXPECT_TRUE(sockets_open(&config, &second, &third, error, sizeof error));
    EXPECT_INT(0, stat(ports[0].path, &st));
    EXPECT_TRUE(third.items[0].fd != second.items[0].fd);
    sockets_close_others(&second, &third);
    EXPECT_FALSE(is_open(second.items[0].fd));
    sockets_close_others(&third, NULL);
    unlink(ports[0].path);
    rmdir(folder);
}

static void an_address_may_go_to_another_door(void **state)
{
    char error[200] = "";
    struct sockets first, second;
    struct config config = listening(1);

    (void)state;
    EXPECT_TRUE(sockets_open(&config, NULL, &first, error, sizeof error));
    config.policy.listen = config.smtp.places;
    config.smtp.places.count = 0;
    EXPECT_TRUE(sockets_open(&config, &first, &second, error, sizeof error));
    EXPECT_INT(first.items[0].fd, second.items[0].fd);
    EXPECT_STR("policy", second.items[0].door);
    sockets_close_others(&first, &second);
    EXPECT_TRUE(is_open(first.items[0].fd));
    sockets_close_others(&second, NULL);
}

static void they_travel_as_text(void **state)
{
    struct sockets sockets = { .count = 2 }, read;
    struct strbuf text;

    (void)state;
    sockets.items[0] = (struct open_socket){ .door = "smtp", .fd = 7 };
    sockets.items[1] = (struct open_socket){ .door = "smtp", .fd = 12 };
    EXPECT_INT(FAULT_NONE, endpoint_parse(SPAN("[2001:db8::1]:25"), 0, &sockets.items[0].at));
    EXPECT_INT(FAULT_NONE, endpoint_parse(SPAN("unix:/run/postern/smtp"), 0, &sockets.items[1].at));
    strbuf_init(&text, 1 << 16);
    sockets_to_text(&sockets, &text);
    EXPECT_TRUE(sockets_from_text(strbuf_span(&text), &read));
    EXPECT_INT(2, read.count);
    EXPECT_INT(12, read.items[1].fd);
    EXPECT_TRUE(endpoint_eq(&sockets.items[0].at, &read.items[0].at));
    EXPECT_TRUE(endpoint_eq(&sockets.items[1].at, &read.items[1].at));
    strbuf_release(&text);
}

static void text_that_is_not_ours_is_refused(void **state)
{
    static const char *const texts[] = {
        "smtp",           "smtp 127.0.0.1:25",   "smtp 127.0.0.1:25 x", "nntp 127.0.0.1:25 7",
        "smtp nowhere 7", "smtp 127.0.0.1:25 -1"
    };
    struct sockets sockets;

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        EXPECT_FALSE(sockets_from_text(span_of(texts[i]), &sockets));
}

RUN_TESTS(TEST(what_stays_keeps_its_descriptor_and_the_rest_is_closed),
          TEST(a_listener_twice_is_refused_and_nothing_stays_open), TEST(they_travel_as_text),
          TEST(over_a_reload_a_file_follows_the_configuration), TEST(an_address_may_go_to_another_door),
          TEST(a_unix_socket_has_the_mode_and_the_group_that_are_wanted), TEST(text_that_is_not_ours_is_refused))
