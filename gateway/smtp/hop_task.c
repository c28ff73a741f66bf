/* smtp/hop_task.c - what a task does with the connection that it has. */
#include "gateway/base/bug.h"
#include "gateway/base/strbuf.h"
#include "gateway/smtp/hop_link.h"

void hop_send(struct hop_task *task, struct span bytes)
{
    stream_write(task->link->stream, bytes);
}

void hop_sendf(struct hop_task *task, const char *format, ...)
{
    struct strbuf line;
    va_list args;

    strbuf_init(&line, 4096);
    va_start(args, format);
    strbuf_vputf(&line, format, args);
    va_end(args);
    if (line.is_full)
        BUG("a command of more than %zu bytes", line.most_bytes);
    stream_write(task->link->stream, strbuf_span(&line));
    strbuf_release(&line);
}

size_t hop_unsent_bytes(const struct hop_task *task)
{
    return stream_unsent_bytes(task->link->stream);
}

void hop_expect(struct hop_task *task, unsigned replies)
{
    struct hop_link *link = task->link;

    link->is_ahead = link->is_ahead || hop_is_ahead(task);
    link->awaited += replies;
}

bool hop_is_ahead(const struct hop_task *task)
{
    return !task->link->awaited && (task->link->reply.lines || stream_input(task->link->stream).len);
}

void hop_wait_final(struct hop_task *task)
{
    const struct smtp_conf *conf = hop_settings(task->hop)->conf;

    task->link->is_at_end = true;
    task->link->is_open_ended = false;
    stream_set_timeouts(task->link->stream, conf->hop_final_ms, conf->hop_command_ms);
}

void hop_wait_none(struct hop_task *task)
{
    task->link->is_open_ended = true;
    stream_set_timeouts(task->link->stream, 0, hop_settings(task->hop)->conf->hop_command_ms);
}

const char *hop_task_tls(const struct hop_task *task)
{
    return task->link->tls;
}

unsigned hop_task_extensions(const struct hop_task *task)
{
    return task->link->extensions;
}

const char *hop_task_auth(const struct hop_task *task)
{
    return task->link->is_safe ? task->link->auth : "";
}

void hop_task_be_discreet(struct hop_task *task, bool is_discreet)
{
    stream_be_discreet(task->link->stream, is_discreet);
}
