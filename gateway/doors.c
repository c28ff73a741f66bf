/* gateway/doors.c - the table of doors, and the few lines that fit each into it. */
#include "gateway/doors.h"

#include "gateway/base/bug.h"
#include "gateway/http/door.h"
#include "gateway/smtp/door.h"
#include "policy/door.h"
#include "milter/door.h"

/* The functions that a door of type struct NAME_door has, under the table's types. */
#define DOOR(name, places)                                                                                             \
    static const struct conf_endpoints *name##_listens(const struct config *config)                                    \
    {                                                                                                                  \
        return &config->name.places;                                                                                   \
    }                                                                                                                  \
    static bool name##_open(void *door, char *error, size_t size)                                                      \
    {                                                                                                                  \
        return name##_door_open(door, error, size);                                                                    \
    }                                                                                                                  \
    static void name##_listen(void *door, int fd, const struct endpoint *at)                                           \
    {                                                                                                                  \
        name##_door_listen(door, fd, at);                                                                              \
    }                                                                                                                  \
    static void name##_retire(void *door)                                                                              \
    {                                                                                                                  \
        name##_door_retire(door);                                                                                      \
    }                                                                                                                  \
    static void name##_drain(void *door)                                                                               \
    {                                                                                                                  \
        name##_door_drain(door);                                                                                       \
    }                                                                                                                  \
    static bool name##_is_idle(const void *door)                                                                       \
    {                                                                                                                  \
        return name##_door_is_idle(door);                                                                              \
    }                                                                                                                  \
    static void name##_free(void *door)                                                                                \
    {                                                                                                                  \
        name##_door_free(door);                                                                                        \
    }

#define ROW(name)                                                                                                      \
    {                                                                                                                  \
#name, name##_listens, name##_make, name##_open, name##_listen, name##_retire, name##_drain, name##_is_idle,   \
            name##_free                                                                                                \
    }

DOOR(smtp, places)

static void *smtp_make(struct engine *engine, const struct config *config, char *error, size_t size)
{
    const struct smtp_door_settings settings = {
        .engine = engine, .conf = &config->smtp, .dress = &config->headers, .spool_directory = config->state
    };

    return smtp_door_new(&settings, error, size);
}

DOOR(http, listen)

static void *http_make(struct engine *engine, const struct config *config, char *error, size_t size)
{
    const struct http_door_settings settings = {
        .engine = engine, .conf = &config->http, .dress = &config->headers, .spool_directory = config->state
    };

    return http_door_new(&settings, error, size);
}

DOOR(milter, listen)

static void *milter_make(struct engine *engine, const struct config *config, char *error, size_t size)
{
    const struct milter_door_settings settings = {
        .engine = engine, .conf = &config->milter, .dress = &config->headers, .spool_directory = config->state
    };

    return milter_door_new(&settings, error, size);
}

DOOR(policy, listen)

static void *policy_make(struct engine *engine, const struct config *config, char *error, size_t size)
{
    (void)error, (void)size;
    return policy_door_new(engine, &config->policy, &config->headers);
}

const struct door_kind door_kinds[] = {
    ROW(smtp),
    ROW(http),
    ROW(policy),
    ROW(milter),
};

const size_t door_kind_count = COUNT(door_kinds);
