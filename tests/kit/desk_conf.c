/* tests/kit/desk_conf.c - a check on the desk, with its section of the configuration. */
#include "tests/kit/desk.h"

#include "tests/kit/expect.h"

struct desk *desk_open(const struct check_module *module, const char *conf)
{
    struct desk *d = desk_open_bare(module, NULL);
    struct strbuf faults;

    strbuf_init(&faults, 1 << 16);
    if (module->section) {
        d->conf = conf_load_text(module->section, "desk", span_of(conf ? conf : ""), &d->settings.conf, &faults);
        if (!d->conf)
            fail_msg("desk_open: %s", faults.data);
        const char *wrong = module->open ? module->open(&d->arena, d->settings.conf) : NULL;

        if (wrong)
            fail_msg("desk_open: %s", wrong);
    }
    strbuf_release(&faults);
    return d;
}
