/* tests/unit/test_http_stat.c - what all doors have judged, in rspamd's words; and counting from a reset on. */
#include "tests/kit/expect.h"

#include <jansson.h>
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/http/caller.h"
#include "gateway/http/process.h"
#include "gateway/http/stat.h"

struct room {
    struct engine engine;
    struct http_door door;
};

static struct room *room_open(void)
{
    struct room *r = mem_alloc(sizeof *r);

    r->engine.config_digest = "abc";
    r->engine.metrics.started_wall_ms = clock_wall_ms() - 90500;
    r->door.engine = &r->engine;
    return r;
}

static json_t *stat_of(struct room *r, void (*write)(const struct http_door *, struct strbuf *))
{
    struct strbuf out;

    strbuf_init(&out, 1 << 20);
    write(&r->door, &out);
    json_t *o = json_loadb(out.data, out.len, 0, NULL);

    assert_non_null(o);
    strbuf_release(&out);
    return o;
}

static json_int_t number(const json_t *o, const char *key)
{
    assert_true(json_is_integer(json_object_get(o, key)));
    return json_integer_value(json_object_get(o, key));
}

static void verdicts_of_all_doors_are_counted_in_rspamds_words(void **state)
{
    struct room *r = room_open();
    struct metrics *m = &r->engine.metrics;

    (void)state;
    for (int a = ACTION_ACCEPT; a <= ACTION_DISCARD; a++)
        for (int n = 0; n <= a; n++)
            metrics_verdict(m, a % 2 ? "smtp" : "http", (enum action)a);
    metrics_session(m, "http", 1);
    metrics_session(m, "smtp", 1);
    json_t *o = stat_of(r, stat_write), *actions = json_object_get(o, "actions");

    EXPECT_INT(28, number(o, "scanned"));
    EXPECT_INT(1, number(actions, "no action"));
    EXPECT_INT(2, number(actions, "add header"));
    EXPECT_INT(3 + 4, number(actions, "soft reject")); /* greylisted and deferred */
    EXPECT_INT(5, number(actions, "quarantine"));
    EXPECT_INT(6, number(actions, "reject"));
    EXPECT_INT(7, number(actions, "discard"));
    EXPECT_INT(1 + 7, number(o, "ham_count"));
    EXPECT_INT(20, number(o, "spam_count"));
    EXPECT_INT(1, number(o, "connections"));
    EXPECT_INT(90, number(o, "uptime"));
    EXPECT_INT(0, number(o, "learned"));
    EXPECT_STR("abc", json_string_value(json_object_get(o, "config_id")));
    json_decref(o);
    free(r);
}

static void after_a_reset_it_counts_anew_and_the_metrics_go_on(void **state)
{
    struct room *r = room_open();
    struct metrics *m = &r->engine.metrics;

    (void)state;
    for (int round = 0; round < 2; round++) {
        metrics_verdict(m, "http", ACTION_TAG);
        metrics_session(m, "http", 1);
        stat_reset(&r->door);
    }
    metrics_verdict(m, "http", ACTION_REJECT);
    json_t *o = stat_of(r, stat_write);

    EXPECT_INT(1, number(o, "scanned"));
    EXPECT_INT(1, number(o, "spam_count"));
    EXPECT_INT(0, number(o, "connections"));
    EXPECT_INT(0, number(json_object_get(o, "actions"), "add header"));
    EXPECT_INT(2, metrics_door(m, "http")->verdicts[ACTION_TAG]);
    json_decref(o);
    o = stat_of(r, stat_write_auth);
    EXPECT_STR("ok", json_string_value(json_object_get(o, "auth")));
    EXPECT_INT(3, number(o, "scanned"));
    json_decref(o);
    free(r->door.since);
    free(r);
}

static void the_kernel_knows_this_process(void **state)
{
    struct process_figures p;

    (void)state;
    process_read(&p);
    EXPECT_TRUE(p.cpu_us > 0);
    EXPECT_TRUE(p.resident_bytes > 1 << 20);
    EXPECT_TRUE(p.open_fds >= 3 && p.open_fds < p.max_fds);
}

RUN_TESTS(TEST(verdicts_of_all_doors_are_counted_in_rspamds_words),
          TEST(after_a_reset_it_counts_anew_and_the_metrics_go_on), TEST(the_kernel_knows_this_process))
