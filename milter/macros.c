/* milter/macros.c - what the MTA tells besides the protocol's own fields. */
#include "milter/macros.h"

#include "gateway/base/bug.h"

static const char *const names[MACRO_COUNT] = {
    [MACRO_QUEUE_ID] = "i",
    [MACRO_MTA] = "j",
    [MACRO_DAEMON] = "daemon_name",
    [MACRO_CLIENT_ADDR] = "client_addr",
    [MACRO_CLIENT_PORT] = "client_port",
    [MACRO_CLIENT_NAME] = "client_name",
    [MACRO_CLIENT_PTR] = "client_ptr",
    [MACRO_TLS_VERSION] = "tls_version",
    [MACRO_TLS_CIPHER] = "cipher",
    [MACRO_TLS_BITS] = "cipher_bits",
    [MACRO_AUTH_TYPE] = "auth_type",
    [MACRO_AUTH_USER] = "auth_authen",
    [MACRO_RCPT_MAILER] = "rcpt_mailer",
};

const char *const macros_wanted[MILTER_STAGES] = {
    [SMFIM_CONNECT] = "j {daemon_name} {client_addr} {client_port} {client_name} {client_ptr}",
    [SMFIM_HELO] = "{tls_version} {cipher} {cipher_bits}",
    [SMFIM_ENVFROM] = "i {auth_type} {auth_authen}",
    [SMFIM_ENVRCPT] = "i {rcpt_mailer}",
    [SMFIM_DATA] = "i",
    [SMFIM_EOM] = "i",
    [SMFIM_EOH] = "i",
};

/* "i" and "{i}" are the same. */
static enum macro find(struct span name)
{
    if (name.len > 2 && name.ptr[0] == '{' && name.ptr[name.len - 1] == '}')
        name = span_make(name.ptr + 1, name.len - 2);
    enum macro found = 0;

    while (found < MACRO_COUNT && !span_is(name, names[found]))
        found++;
    return found;
}

void macros_take(struct macros *m, struct arena *a, struct span data)
{
    struct span name, value;

    while (packet_text(&data, &name) && packet_text(&data, &value)) {
        enum macro which = find(name);

        value = span_first(value, arena_is_over(a) ? 0 : MACRO_VALUE_MOST);
        if (which != MACRO_COUNT && !span_eq(m->values[which], value))
            m->values[which] = arena_copy(a, value);
    }
}

void macros_forget_recipient(struct macros *m)
{
    m->values[MACRO_RCPT_MAILER] = SPAN("");
}
