/* milter/conf.c - the section `milter`: its keys. */
#include "milter/conf.h"

#define AT(member) offsetof(struct milter_conf, member)

enum { ANSWER_MOST_MS = 28000 };

static const struct conf_key milter_keys[] = {
    { .name = "listen",
      .type = CONF_ENDPOINTS,
      .at = AT(listen),
      .help =
          "where the mail server finds us: \"inet:11332@127.0.0.1\", \"127.0.0.1:11332\", \"unix:/PATH\"; none: this "
          "door is closed" },
    { .name = "relay_clients",
      .type = CONF_ADDRS,
      .at = AT(relay_clients),
      .initial = "127.0.0.0/8 ::1",
      .help = "clients of the mail server that are our own: their mail is treated as that of authenticated users" },
    { .name = "relay_daemons",
      .type = CONF_STRS,
      .at = AT(relay_daemons),
      .initial = "ORIGINATING",
      .help =
          "names of the mail server's daemons ({daemon_name}) that only our own users reach; in Postfix' master.cf: "
          "-o milter_macro_daemon_name=ORIGINATING" },
    { .name = "on_failure",
      .type = CONF_ENUM,
      .at = AT(on_failure),
      .initial = "tempfail",
      .least = "tempfail accept",
      .help = "what the mail server is told when we cannot do our work (no room for the message, too much to do): put "
              "mail off, or let it pass unexamined" },
    { .name = "too_large",
      .type = CONF_ENUM,
      .at = AT(too_large),
      .initial = "accept",
      .least = "tempfail accept reject",
      .help = "what becomes of a message larger than message_size: its content is not examined" },
    { .name = "message_size",
      .type = CONF_BYTES,
      .at = AT(size_most),
      .initial = "100MiB",
      .least = "64KiB",
      .most = "1GiB",
      .help = "the largest message that is examined; the mail server has its own limit" },
    { .name = "header_size",
      .type = CONF_BYTES,
      .at = AT(header_bytes_most),
      .initial = "1MiB",
      .least = "16KiB",
      .most = "1MiB",
      .help = "the largest header section; a message with more is refused" },
    { .name = "header_fields",
      .type = CONF_INT,
      .at = AT(header_fields_most),
      .initial = "2000",
      .least = "50",
      .most = "5000",
      .help = "header fields at most; a message with more is refused" },
    { .name = "memory",
      .type = CONF_BYTES,
      .at = AT(memory_most),
      .initial = "256KiB",
      .least = "4KiB",
      .most = "64MiB",
      .help = "a message larger than that goes into a file" },
    { .name = "recipients",
      .type = CONF_INT,
      .at = AT(recipients_most),
      .initial = "2000",
      .least = "100",
      .most = "10000",
      .help = "recipients of one message at most; those beyond have to come again in another" },
    { .name = "connections",
      .type = CONF_INT,
      .at = AT(connections_most),
      .initial = "12000",
      .least = "1",
      .most = "100000",
      .help = "connections of mail servers at once" },
    { .name = "idle_timeout",
      .type = CONF_MS,
      .at = AT(idle_ms),
      .initial = "2h",
      .least = "1s",
      .most = "1d",
      .help = "how long a mail server may say nothing; it waits for its own clients meanwhile" },
    { .name = "packet_timeout",
      .type = CONF_MS,
      .at = AT(packet_ms),
      .initial = "1m",
      .least = "100ms",
      .most = "1h",
      .help = "how long it may be silent in the midst of a packet" },
    { .name = "rcpt_wait",
      .type = CONF_MS,
      .at = AT(rcpt_wait_ms),
      .initial = "5s",
      .least = "0",
      .most = "25s",
      .help = "how long a recipient waits for checks that could refuse it; Postfix gives up after 30 s" },
    { .name = "progress",
      .type = CONF_MS,
      .at = AT(progress_ms),
      .initial = "5s",
      .least = "100ms",
      .most = "5m",
      .help = "while a message's verdict is awaited the mail server is told so often that we are at it" },
    { .name = "tarpit",
      .type = CONF_MS,
      .at = AT(tarpit_most_ms),
      .initial = "20s",
      .least = "0",
      .most = "25s",
      .help = "an answer is held back no longer than that, whatever a check wants; Postfix gives up after 30 s" },
    { 0 },
};

/* A recipient may wait for both, one after the other. */
static const char *check(struct arena *a, void *values)
{
    const struct milter_conf *conf = values;

    (void)a;
    if (conf->rcpt_wait_ms + conf->tarpit_most_ms > ANSWER_MOST_MS)
        return "rcpt_wait and tarpit: together at most 28s, for Postfix gives up after 30 s";
    return NULL;
}

const struct conf_section milter_section = {
    .name = "milter",
    .help = "mail servers that ask us by the milter protocol: Postfix (smtpd_milters), Sendmail (INPUT_MAIL_FILTER)",
    .size = sizeof(struct milter_conf),
    .keys = milter_keys,
    .check = check,
};
