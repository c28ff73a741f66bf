/* scanners/dkim_engine.h - what an engine of the check "dkim" is: our own (dkim_own.c) or libopendkim. */
#ifndef SCANNERS_DKIM_ENGINE_H
#define SCANNERS_DKIM_ENGINE_H

#include "gateway/core/check.h"

enum dkim_engine { ENGINE_OWN, ENGINE_LIBOPENDKIM };
enum dkim_prefix { PREFIX_POLICY, PREFIX_NEUTRAL, PREFIX_ACCEPT };

struct dkim_conf {
    int engine; /* enum dkim_engine */
    int64_t signatures_most;
    int clock_skew_ms;
    int body_length; /* enum dkim_prefix */
    void *lib;       /* state of the module: libopendkim's handle between open() and close() */
};

/* dkim_own, dkim_opendkim - fill q->evidence->dkim and dkim_count for the signatures whose fields are given, each with
 * what verifying it came to; STEP_WAIT while a key is not here. */
enum step dkim_own(struct inquiry *q, const struct header_field *const *fields, size_t count);

#endif
