/* core/profile.h - whose rules hold: other thresholds, and other modes of checks, by recipient, client, direction and
 * door.
 *
 *     profile "strict" { recipients = {"example.com", "anna@example.net"}  actions { reject = 8 }
 *                        check "dnsbl" { mode = enforce } }
 *
 * Profiles are tried in their order and the first that fits holds; where none does, what gateway.conf says outside of
 * them. A message has one: that of its first recipient, and recipients of another one are to come by themselves
 * (pipeline_takes()). Beside that, mail whose recipients are all exempt (actions.exempt: postmaster, abuse) can be
 * tagged, and no more: no check refuses it or puts it off, but those that say that they cover it.
 *
 * Threads: made at start, then read on any. Memory: profiles_resolve() to profiles_close(), besides the arena.
 */
#ifndef CORE_PROFILE_H
#define CORE_PROFILE_H

#include "gateway/core/verdict.h"
#include "gateway/mail/access_file.h"

extern const struct conf_section profile_section; /* titled; of struct profile_conf */

struct profile_conf;

struct profile {
    const char *name; /* "": what holds where no profile does */
    struct actions_conf actions;
    const struct check_settings *checks;        /* a row each */
    const struct check_settings *exempt_checks; /* the same for mail that is exempt from refusals */
    const struct profile_conf *conf;            /* whom it is for; NULL: everybody */
    struct access_set *recipients;              /* NULL: any */
    struct access_file recipients_file;         /* .set NULL: none */
};

struct profiles {
    struct profile base; /* where none of them fits */
    struct profile *items;
    size_t count;
    struct access_set *exempt;
};

/* profiles_rows - the rows of the table of checks that some profile has on, a bit each: settings_resolve() opens them,
 * too. `conf`: of struct profile_conf. */
uint64_t profiles_rows(const struct conf_array *conf);
/* profiles_resolve - NULL with a sentence for the operator in *wrong. In `a`; `conf`, `actions` and `checks` are
 * borrowed. */
struct profiles *profiles_resolve(struct arena *a, const struct conf_array *conf, const struct actions_conf *actions,
                                  const struct check_settings *checks, const char **wrong);
void profiles_close(struct profiles *profiles); /* NULL is fine */

/* profiles_find - the one that holds for this recipient of the session's mail; never NULL. Without a recipient: the
 * one that holds whoever the recipients will be, and NULL when that depends on them. */
const struct profile *profiles_find(const struct profiles *profiles, const struct session *session,
                                    const struct address *recipient);
/* profiles_exempt - whether there are recipients, and all of them are exempt. */
bool profiles_exempt(const struct profiles *profiles, const struct session *session);

#endif
