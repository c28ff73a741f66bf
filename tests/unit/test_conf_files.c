/* tests/unit/test_conf_files.c - gateway.conf from files: includes, secrets, and what is no configuration at all. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/kit/expect.h"
#include "tests/kit/sample_conf.h"

static char folder[64];

static const char *in_folder(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text, size_t len)
{
    int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(len, write(fd, text, len));
    close(fd);
}

static void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/postern-conf-XXXXXX");
    return mkdtemp(folder) && mkdir(in_folder("conf.d"), 0700) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static struct conf *load_file(const char *name, struct sample **root, struct strbuf *faults)
{
    void *values = NULL;

    strbuf_init(faults, 65536);
    struct conf *conf = conf_load(&sample_section, in_folder(name), &values, faults);

    *root = values;
    return conf;
}

static void includes_are_read_in_order_and_relative_to_their_file(void **state)
{
    struct sample *root;
    struct strbuf faults;

    (void)state;
    write_text("main.conf", "even = 4 include(\"conf.d/*.conf\") hostname = after\n"
                            "smtp { include(\"smtp.inc\") early = yes }\n");
    write_text("conf.d/20.conf", "check \"spf\" { include(\"../spf.inc\") }");
    write_text("conf.d/10.conf", "check \"dnsbl\" { mode = off }\n");
    write_text("spf.inc", "mode = tag");
    write_text("smtp.inc", "password = \"{file:secret}\"\ntls { cert = \"smtp.inc\" }");
    write_text("secret", "  s3cret \nsecond line\n");
    struct conf *conf = load_file("main.conf", &root, &faults);

    if (!conf)
        fail_msg("%s", faults.data);
    EXPECT_STR("after", root->hostname);
    EXPECT_TRUE(root->smtp.is_early);
    EXPECT_STR("s3cret", root->smtp.password);
    EXPECT_STR(in_folder("smtp.inc"), root->smtp.tls.cert);
    EXPECT_INT(2, root->checks.count);
    const struct dnsbl *dnsbl = ((void **)root->checks.items)[0];
    const struct spf *spf = ((void **)root->checks.items)[1];

    EXPECT_INT(0, dnsbl->mode);
    EXPECT_INT(2, spf->mode);
    EXPECT_INT(6, conf_files(conf)->count);
    EXPECT_STR(in_folder("main.conf"), conf_files(conf)->items[0]);
    EXPECT_STR(in_folder("conf.d/10.conf"), conf_files(conf)->items[1]);
    conf_free(conf);
}

static void faults_name_the_included_file(void **state)
{
    struct sample *root;
    struct strbuf faults;
    char want[256];

    (void)state;
    write_text("outer.conf", "include(\"inner.inc\") \n frob = 1\n");
    write_text("inner.inc", "\n\nsmtp { timeout = 7 }\n");
    EXPECT_NULL(load_file("outer.conf", &root, &faults));
    snprintf(want, sizeof want, "%s:3: timeout = \"7\" is no duration", in_folder("inner.inc"));
    EXPECT_TRUE(strstr(faults.data, want) == faults.data);
    snprintf(want, sizeof want, "%s:2: unknown key 'frob'", in_folder("outer.conf"));
    EXPECT_TRUE(strstr(faults.data, want) != NULL);
    strbuf_release(&faults);
}

static void circles_and_excess_are_refused(void **state)
{
    struct sample *root;
    struct strbuf faults;

    (void)state;
    write_text("a.conf", "include(\"b.inc\")");
    write_text("b.inc", "\ninclude(\"a.conf\")");
    EXPECT_NULL(load_file("a.conf", &root, &faults));
    EXPECT_TRUE(strstr(faults.data, "b.inc:2: ") && strstr(faults.data, "break the circle"));
    strbuf_release(&faults);

    for (int i = 0; i < 12; i++) {
        char name[32], text[64];

        snprintf(name, sizeof name, "d%d.inc", i);
        snprintf(text, sizeof text, "include(\"d%d.inc\")", i + 1);
        write_text(name, text);
    }
    write_text("d12.inc", "");
    EXPECT_NULL(load_file("d0.inc", &root, &faults));
    EXPECT_TRUE(strstr(faults.data, "nested deeper than 10") != NULL);
    strbuf_release(&faults);
    EXPECT_NULL(load_file("d2.inc", &root, &faults));
    strbuf_release(&faults);
    conf_free(load_file("d3.inc", &root, &faults));
    EXPECT_INT(0, faults.len);

    write_text("many.conf", "include(\"d12.inc\")\n");
    struct strbuf text;

    strbuf_init(&text, 10000);
    for (int i = 0; i < 101; i++)
        strbuf_puts(&text, "include(\"d12.inc\")\n");
    write_file("many.conf", text.data, text.len);
    EXPECT_NULL(load_file("many.conf", &root, &faults));
    EXPECT_TRUE(strstr(faults.data, "many.conf:100: more than 100 files") != NULL);
    strbuf_release(&faults);
    strbuf_release(&text);
}

static void files_that_are_none_are_refused(void **state)
{
    static char big[(1 << 20) + 1];
    struct sample *root;
    struct strbuf faults;

    (void)state;
    EXPECT_NULL(load_file("none.conf", &root, &faults));
    EXPECT_TRUE(strstr(faults.data, "none.conf:1: ") && strstr(faults.data, "No such file"));
    strbuf_release(&faults);
    EXPECT_NULL(load_file("conf.d", &root, &faults));
    EXPECT_TRUE(strstr(faults.data, "is no regular file") != NULL);
    strbuf_release(&faults);
    memset(big, '\n', sizeof big);
    write_file("big.conf", big, sizeof big);
    EXPECT_NULL(load_file("big.conf", &root, &faults));
    EXPECT_TRUE(strstr(faults.data, "at most 1 MiB") != NULL);
    strbuf_release(&faults);
    write_file("big.conf", big, sizeof big - 1);
    conf_free(load_file("big.conf", &root, &faults));
    EXPECT_INT(0, faults.len);
    write_file("nul.conf", "\nhostname = \"a\0b\"\n", 18);
    EXPECT_NULL(load_file("nul.conf", &root, &faults));
    EXPECT_TRUE(strstr(faults.data, "nul.conf:2: a control character (0x00)") != NULL);
    strbuf_release(&faults);
    write_text("bom.conf", "\xef\xbb\xbfhostname = x");
    conf_free(load_file("bom.conf", &root, &faults));
    EXPECT_INT(0, faults.len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(includes_are_read_in_order_and_relative_to_their_file),
        TEST(faults_name_the_included_file),
        TEST(circles_and_excess_are_refused),
        TEST(files_that_are_none_are_refused),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
