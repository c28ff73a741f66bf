/* http/openmetrics.c - /metrics. Every family begins with its own lines, once, and its samples follow it. */
#include "gateway/http/openmetrics.h"

#include <stddef.h>
#include <stdio.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/http/caller.h"
#include "gateway/http/process.h"
#include "gateway/http/stat.h"

enum { TARGETS_MOST = 1000 }; /* that are told of: a file of routes may have many more */

/* ---- the format ---- */

static void family(struct strbuf *out, const char *name, const char *type, const char *help)
{
    strbuf_putf(out, "# TYPE %s %s\n# HELP %s %s\n", name, type, name, help);
}

/* A label's value: backslash, quote and line feed are escaped, and there are no others to be afraid of. */
static void put_value(struct strbuf *out, const char *value)
{
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            strbuf_putc(out, '\\');
        if (*value == '\n')
            strbuf_puts(out, "\\n");
        else
            strbuf_putc(out, *value);
    }
}

struct label {
    const char *name, *value; /* name NULL: none */
};

static const struct label no_label = { NULL, NULL };

static void put_name(struct strbuf *out, const char *name, const char *suffix, struct label a, struct label b)
{
    strbuf_putf(out, "%s%s", name, suffix);
    if (a.name) {
        strbuf_putf(out, "{%s=\"", a.name);
        put_value(out, a.value);
        strbuf_putc(out, '"');
    }
    if (b.name) {
        strbuf_putf(out, "%s%s=\"", a.name ? "," : "{", b.name);
        put_value(out, b.value);
        strbuf_putc(out, '"');
    }
    strbuf_puts(out, a.name || b.name ? "} " : " ");
}

static void sample(struct strbuf *out, const char *name, const char *suffix, struct label a, struct label b,
                   uint64_t value)
{
    put_name(out, name, suffix, a, b);
    strbuf_putf(out, "%llu\n", (unsigned long long)value);
}

static void put_seconds(struct strbuf *out, int64_t us)
{
    strbuf_putf(out, "%lld.%06lld\n", (long long)(us / 1000000), (long long)(us % 1000000));
}

static void one_counter(struct strbuf *out, const char *name, const char *help, uint64_t value)
{
    family(out, name, "counter", help);
    sample(out, name, "_total", no_label, no_label, value);
}

static void one_gauge(struct strbuf *out, const char *name, const char *help, int64_t value)
{
    family(out, name, "gauge", help);
    strbuf_putf(out, "%s %lld\n", name, (long long)value);
}

static void put_histogram(struct strbuf *out, const char *name, struct label label, const struct histogram *h)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        char bound[32];
        int64_t us = histogram_bounds_us[i];

        sum += h->buckets[i];
        snprintf(bound, sizeof bound, "%lld.%04lld", (long long)(us / 1000000), (long long)(us % 1000000 / 100));
        sample(out, name, "_bucket", label, (struct label){ "le", bound }, sum);
    }
    sample(out, name, "_bucket", label, (struct label){ "le", "+Inf" }, h->count);
    sample(out, name, "_count", label, no_label, h->count);
    put_name(out, name, "_sum", label, no_label);
    put_seconds(out, h->sum_us);
}

/* ---- doors and verdicts ---- */

static bool has_door(const struct metrics *m, size_t i)
{
    return i < METRICS_DOORS_MAX && m->doors[i].name;
}

static void put_doors(const struct metrics *m, struct strbuf *out)
{
    family(out, "postern_open_sessions", "gauge", "Connections that are open now.");
    for (size_t i = 0; has_door(m, i); i++)
        sample(out, "postern_open_sessions", "", (struct label){ "door", m->doors[i].name }, no_label,
               (uint64_t)m->doors[i].sessions);
    family(out, "postern_sessions", "counter", "Connections since the start.");
    for (size_t i = 0; has_door(m, i); i++)
        sample(out, "postern_sessions", "_total", (struct label){ "door", m->doors[i].name }, no_label,
               m->doors[i].sessions_total);
    family(out, "postern_verdicts", "counter", "Transactions by the last verdict that they were given.");
    for (size_t i = 0; has_door(m, i); i++)
        for (int a = 0; a < METRICS_ACTIONS; a++)
            sample(out, "postern_verdicts", "_total", (struct label){ "door", m->doors[i].name },
                   (struct label){ "action", action_text((enum action)a) }, m->doors[i].verdicts[a]);
    family(out, "postern_verdict_seconds", "histogram", "From the last byte of a message to its verdict.");
    for (size_t i = 0; has_door(m, i); i++)
        put_histogram(out, "postern_verdict_seconds", (struct label){ "door", m->doors[i].name }, &m->doors[i].latency);
}

static void put_handshakes(const struct handshake_metrics *m, struct strbuf *out)
{
    static const char *const results[] = { "done", "failed", "refused" };
    const uint64_t counts[] = { m->done, m->failed, m->refused };

    family(out, "postern_tls_handshakes", "counter", "TLS handshakes of clients; refused: for too many at once.");
    for (size_t i = 0; i < COUNT(results); i++)
        sample(out, "postern_tls_handshakes", "_total", (struct label){ "result", results[i] }, no_label, counts[i]);
    family(out, "postern_tls_handshake_seconds", "histogram", "Of those that were done, without the wait for a place.");
    put_histogram(out, "postern_tls_handshake_seconds", no_label, &m->latency);
}

/* ---- checks ---- */

static void put_check_counter(const struct engine *e, const char *name, const char *help, size_t at, struct strbuf *out)
{
    family(out, name, "counter", help);
    for (size_t i = 0; i < e->check_count; i++)
        sample(out, name, "_total", (struct label){ "check", e->checks[i].check->name }, no_label,
               *(const uint64_t *)((const char *)&e->metrics.checks[e->checks[i].index] + at));
}

static void put_checks(const struct engine *e, struct strbuf *out)
{
    static const struct {
        const char *name, *help;
        size_t at;
    } counters[] = {
        { "postern_check_runs", "Checks that were done.", offsetof(struct check_metrics, done) },
        { "postern_check_errors", "Checks that could not do their work.", offsetof(struct check_metrics, failed) },
        { "postern_check_timeouts", "Of those: because their time was up.", offsetof(struct check_metrics, timed_out) },
        { "postern_check_skipped", "Checks that an early verdict made needless.",
          offsetof(struct check_metrics, skipped) },
    };

    for (size_t i = 0; i < COUNT(counters); i++)
        put_check_counter(e, counters[i].name, counters[i].help, counters[i].at, out);
    family(out, "postern_check_seconds", "histogram", "From the first run of a check to its end, waiting included.");
    for (size_t i = 0; i < e->check_count; i++)
        put_histogram(out, "postern_check_seconds", (struct label){ "check", e->checks[i].check->name },
                      &e->metrics.checks[e->checks[i].index].latency);
}

/* ---- what the checks stand on ---- */

static void put_dns(const struct dns *dns, struct strbuf *out)
{
    struct dns_counters n;

    dns_counters(dns, &n);
    one_counter(out, "postern_dns_questions", "Look-ups that checks asked for.", n.asked);
    one_counter(out, "postern_dns_joined", "Of those: to one that was under way already.", n.joined);
    one_counter(out, "postern_dns_cache_hits", "Of those: answered from the cache.", n.cached);
    one_counter(out, "postern_dns_timeouts", "Of those: not answered in time.", n.late);
    family(out, "postern_dns_answers", "counter", "Look-ups that came to an end.");
    for (int s = 0; s <= DNS_CAPPED; s++)
        sample(out, "postern_dns_answers", "_total", (struct label){ "state", dns_state_text((enum dns_state)s) },
               no_label, n.answers[s]);
    one_gauge(out, "postern_dns_inflight", "Look-ups under way.", (int64_t)dns_inflight(dns));
}

static void put_store(const struct store *store, struct strbuf *out)
{
    struct store_counters n;

    store_counters(store, &n);
    one_counter(out, "postern_store_operations", "Operations of the state store.", n.asked);
    one_counter(out, "postern_store_errors", "Of those: that failed.", n.failed);
    one_counter(out, "postern_store_timeouts", "Of those: not answered in time.", n.timed_out);
    family(out, "postern_store_busy_seconds", "counter", "Sum of the times from asking to the answer.");
    strbuf_puts(out, "postern_store_busy_seconds_total ");
    put_seconds(out, (int64_t)n.busy_us);
    if (n.records || n.bytes) {
        one_gauge(out, "postern_store_records", "Records in the store.", (int64_t)n.records);
        one_gauge(out, "postern_store_bytes", "Bytes that they take.", (int64_t)n.bytes);
    }
    one_gauge(out, "postern_store_up", "1, or 0 while it is not asked because it failed.", !n.is_down);
}

static void put_engine(struct engine *e, struct strbuf *out)
{
    one_gauge(out, "postern_messages_pending", "Messages that wait for their verdict.", e->deciding);
    one_gauge(out, "postern_messages_pending_most", "How many may.", e->conf->transactions_most);
    one_counter(out, "postern_admission_refused", "Times that new mail was put off for want of capacity.",
                e->metrics.admission_refused);
    one_gauge(out, "postern_ready", "1 when new mail is taken and the checks are prepared.",
              e->is_ready && !engine_is_busy(e));
    family(out, "postern_crew_waiting", "gauge", "Messages that wait for a worker.");
    sample(out, "postern_crew_waiting", "", (struct label){ "queue", "quick" }, no_label,
           crew_waiting(e->crew, LANE_QUICK));
    sample(out, "postern_crew_waiting", "", (struct label){ "queue", "heavy" }, no_label,
           crew_waiting(e->crew, LANE_HEAVY));
    put_dns(e->dns, out);
    if (e->store)
        put_store(e->store, out);
}

/* Routes may speak to one target in several ways: each has connections of its own. */
static void put_target(struct strbuf *out, const char *name, const char *suffix, const struct hop_figures *hop,
                       uint64_t value)
{
    strbuf_putf(out, "%s%s{target=\"", name, suffix);
    put_value(out, hop->name);
    strbuf_putf(out, "\",tls=\"%s\",client=\"%s\"} %llu\n", hop->tls, hop->client, (unsigned long long)value);
}

static void put_hops(const struct hop_metrics *h, struct strbuf *out)
{
    static const struct {
        const char *name, *suffix, *type, *help;
    } families[] = {
        { "postern_target_up", "", "gauge", "1, or 0 while mail goes elsewhere because it cannot be reached." },
        { "postern_target_connections", "", "gauge", "Connections to it." },
        { "postern_target_waiting", "", "gauge", "Messages and questions that wait for a connection." },
        { "postern_target_connection_errors", "_total", "counter", "Connections that did not come up." },
    };

    for (size_t i = 0; i < COUNT(families); i++) {
        size_t left = TARGETS_MOST;

        family(out, families[i].name, families[i].type, families[i].help);
        for (const struct hop_figures *hop = h->hops; hop && left; hop = hop->next, left--) {
            const uint64_t values[] = { hop->is_up, hop->connections, hop->waiting, hop->failures };

            put_target(out, families[i].name, families[i].suffix, hop, values[i]);
        }
    }
}

static void put_hop(const struct hop_metrics *h, struct strbuf *out)
{
    static const char *const results[] = { "delivered", "refused", "deferred", "failed" };
    const uint64_t deliveries[] = { h->delivered, h->refused, h->deferred, h->failed };

    one_gauge(out, "postern_hop_open_connections", "Connections to next hops.", h->connections);
    one_counter(out, "postern_hop_connections", "Connections to next hops that came up.", h->connections_total);
    one_counter(out, "postern_hop_connection_errors", "Connections to next hops that did not.", h->connections_failed);
    one_counter(out, "postern_hop_tls_connections", "Connections to next hops that came to have TLS.",
                h->tls_connections);
    one_counter(out, "postern_hop_verified_connections", "Of those with TLS, to a next hop that was proved to be it.",
                h->tls_verified);
    family(out, "postern_hop_deliveries", "counter", "Messages by what the next hop made of them.");
    for (size_t i = 0; i < COUNT(results); i++)
        sample(out, "postern_hop_deliveries", "_total", (struct label){ "result", results[i] }, no_label,
               deliveries[i]);
    one_counter(out, "postern_recipient_cache_hits", "Recipients of whom it was known whether the next hop takes them.",
                h->verify_known);
    one_counter(out, "postern_recipient_questions", "Recipients that the next hop was asked about.", h->verify_asked);
}

/* ---- this program ---- */

static void put_process(const struct http_door *door, struct strbuf *out)
{
    const struct metrics *m = &door->engine->metrics;
    struct process_figures p;

    process_read(&p);
    family(out, "postern_build", "info", "The program.");
    put_name(out, "postern_build", "_info", (struct label){ "version", POSTERN_VERSION }, no_label);
    strbuf_puts(out, "1\n");
    family(out, "postern_config", "info", "The configuration that is in force, by its digest.");
    put_name(out, "postern_config", "_info", (struct label){ "digest", door->engine->config_digest }, no_label);
    strbuf_puts(out, "1\n");
    family(out, "process_cpu_seconds", "counter", "CPU time, user and system.");
    strbuf_puts(out, "process_cpu_seconds_total ");
    put_seconds(out, p.cpu_us);
    family(out, "process_start_time_seconds", "gauge", "When the gateway was started.");
    strbuf_puts(out, "process_start_time_seconds ");
    put_seconds(out, m->started_wall_ms * 1000);
    family(out, "postern_uptime_seconds", "gauge", "How long ago that was.");
    strbuf_puts(out, "postern_uptime_seconds ");
    put_seconds(out, (clock_wall_ms() - m->started_wall_ms) * 1000);
    one_gauge(out, "process_resident_memory_bytes", "Memory in use.", p.resident_bytes);
    one_gauge(out, "process_open_fds", "Descriptors in use.", p.open_fds);
    one_gauge(out, "process_max_fds", "How many there may be.", p.max_fds);
}

static void put_door(const struct http_door *door, struct strbuf *out)
{
    one_counter(out, "postern_http_requests", "Requests to the scan API.", door->requests_total);
}

/* ---- rspamd's names ---- */

static void put_rspamd(const struct http_door *door, struct strbuf *out)
{
    struct stat_counts n;

    stat_count(&door->engine->metrics, &n);
    family(out, "rspamd_build", "info", "For dashboards made for rspamd.");
    put_name(out, "rspamd_build", "_info", (struct label){ "version", POSTERN_VERSION }, no_label);
    strbuf_puts(out, "1\n");
    family(out, "rspamd_config", "gauge", "The configuration that is in force.");
    put_name(out, "rspamd_config", "", (struct label){ "id", door->engine->config_digest }, no_label);
    strbuf_puts(out, "1\n");
    family(out, "rspamd_scan_time_average", "gauge", "Seconds from a message to its verdict, on average.");
    strbuf_puts(out, "rspamd_scan_time_average ");
    put_seconds(out, n.timed ? n.sum_us / (int64_t)n.timed : 0);
    one_gauge(out, "rspamd_read_only", "No.", 0);
    one_counter(out, "rspamd_scanned", "Transactions with a verdict, of all doors.", n.scanned);
    one_counter(out, "rspamd_learned", "Messages that were learned from by the scan API.",
                door->engine->metrics.learned);
    one_counter(out, "rspamd_spam", "Of those with a verdict: tagged, put into quarantine, refused, thrown away.",
                n.spam);
    one_counter(out, "rspamd_ham", "The others.", n.ham);
    one_counter(out, "rspamd_connections", "Connections to the scan API.", n.connections);
    family(out, "rspamd_actions", "counter", "Verdicts in rspamd's words.");
    for (size_t i = 0; i < COUNT(n.actions); i++)
        sample(out, "rspamd_actions", "_total", (struct label){ "type", stat_action_words[i] }, no_label, n.actions[i]);
}

void openmetrics_write(const struct http_door *door, struct strbuf *out)
{
    put_process(door, out);
    put_doors(&door->engine->metrics, out);
    put_handshakes(&door->engine->metrics.handshakes, out);
    put_checks(door->engine, out);
    put_engine(door->engine, out);
    put_hop(&door->engine->metrics.hop, out);
    put_hops(&door->engine->metrics.hop, out);
    put_door(door, out);
    put_rspamd(door, out);
    strbuf_puts(out, "# EOF\n");
}
