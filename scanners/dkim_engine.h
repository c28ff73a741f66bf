/* scanners/dkim_engine.h - what an engine of the check "dkim" is: our own (dkim_own.c) or libopendkim. */
#ifndef SCANNERS_DKIM_ENGINE_H
#define SCANNERS_DKIM_ENGINE_H

#include "gateway/core/check.h"
#include "gateway/mail/signature.h"

enum dkim_engine { ENGINE_OWN, ENGINE_LIBOPENDKIM };
enum dkim_prefix { PREFIX_POLICY, PREFIX_NEUTRAL, PREFIX_ACCEPT };

struct dkim_conf {
    int engine; /* enum dkim_engine */
    int64_t signatures_most;
    int clock_skew_ms;
    int body_length; /* enum dkim_prefix */
    void *lib;       /* state of the module: libopendkim's handle between open() and close() */
};

/* A signature that is looked at, with the answer that holds its key (NULL: it needs none). */
struct dkim_work {
    struct signature signature;
    const struct dns_answer *key;
};

/* dkim_own, dkim_opendkim - judge the pending ones of `works`, whose keys are here. */
void dkim_own(struct inquiry *q, struct dkim_work *works, size_t count);
void dkim_opendkim(struct inquiry *q, struct dkim_work *works, size_t count);

/* dkim_opendkim_open - libopendkim's handle for dkim_conf.lib; NULL when it cannot be had. close - NULL is fine. */
void *dkim_opendkim_open(void);
void dkim_opendkim_close(void *lib);

#endif
