/* conf/conf.h - gateway.conf into typed structs, by tables of keys.
 *
 * Each module declares its section: a table of keys that says name, type, where the value goes, its initial value,
 * bounds and help. conf_load() reads the file (libconfuse does the syntax), fills the structs and refuses whatever it
 * does not know. The same tables print `postern config default` and `postern config show`, so they cannot drift.
 *
 * Memory: everything lies in the conf's arena, and is immutable until conf_free(). Threads: load on one, read on any.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "gateway/base/addr.h"
#include "gateway/base/arena.h"
#include "gateway/base/strbuf.h"

enum conf_type {
    CONF_BOOL,      /* bool            yes | no (true, false, on, off) */
    CONF_INT,       /* int64_t         decimal */
    CONF_MS,        /* int             "250ms", "3s", "5m", "2h", "7d": a unit is required, but for 0 */
    CONF_TIME,      /* int64_t         the same, but up to years: what is remembered, not waited for */
    CONF_BYTES,     /* size_t          "4096", "256KiB", "10MiB", "1GiB" */
    CONF_POINTS,    /* int             "4.00" into hundredths; -1000.00 to 1000.00 */
    CONF_ENUM,      /* int             one of the words in `least`, "off shadow tag enforce" -> 0 1 2 3 */
    CONF_STR,       /* const char *    never NULL: "" when there is none */
    CONF_STRS,      /* struct conf_strs */
    CONF_FILE,      /* const char *    a file that must be readable; relative to the file that names it; "": none */
    CONF_ADDRS,     /* struct conf_nets: networks and addresses */
    CONF_ENDPOINTS, /* struct conf_endpoints: where to listen or connect; `least`: the port that need not be written */
    CONF_CUSTOM,    /* whatever `parse` makes of it */
    CONF_CUSTOMS,   /* a list, of one item at least: `parse` adds each to what it has made of those before */
    CONF_SECTION,   /* a struct in place: `section` tells its keys */
    CONF_SECTIONS,  /* struct conf_array of structs, titled; the first member of each is `const char *title` */
};

struct conf_strs {
    const char **items;
    size_t count;
};

struct conf_nets {
    struct addr_net *items;
    size_t count;
};

struct endpoint;
struct conf_endpoints {
    struct endpoint *items; /* gateway/base/endpoint.h */
    size_t count;
};

struct conf_array {
    void *items;
    size_t count;
};

/* conf_parse_fn - text into *out; NULL, or what is wrong and what to write instead (may lie in `a`). */
typedef const char *conf_parse_fn(struct arena *a, const char *text, void *out);
/* conf_check_fn - of a section as a whole, after its keys; the same result. */
typedef const char *conf_check_fn(struct arena *a, void *values);

struct conf_section;

struct conf_key {
    const char *name;
    enum conf_type type;
    size_t at;
    const char *initial; /* as it would be written; lists: items separated by blanks. NULL: zero, empty, none */
    const char *least;   /* numbers: the same writing; CONF_ENUM: the words */
    const char *most;
    const char *help;
    const struct conf_section *section;
    conf_parse_fn *parse;
    bool is_required;
    bool is_secret; /* `config show` and logs print "(secret)" */
};

struct conf_section {
    const char *name;
    const char *help;
    size_t size; /* of the struct */
    const struct conf_key *keys;
    conf_check_fn *check; /* may be NULL */
    /* A titled kind of section whose keys depend on its title (check "dnsbl" { ... }): gives the section for a title,
     * NULL for a title that does not exist. Then `size` and `keys` above are unused, and items are `void *`. */
    const struct conf_section *(*by_title)(const char *title);
    const char *(*titles)(size_t i); /* goes with by_title: the i-th title, NULL after the last */
};

/* conf_load - reads `path` (NULL: only initial values) into a new struct of root->size in `out_values`.
 * On failure returns NULL with one line per fault, "file:line: what is wrong; what to write", in `faults`.
 * Limits: 1 MiB per file, 10 levels of include, 100 files. */
struct conf;
struct conf *conf_load(const struct conf_section *root, const char *path, void **out_values, struct strbuf *faults);
/* conf_load_text - the same from text in memory, named `name` in faults; for tests and fuzzing. */
struct conf *conf_load_text(const struct conf_section *root, const char *name, struct span text, void **out_values,
                            struct strbuf *faults);
void conf_free(struct conf *conf);
/* conf_by_title - values of a by_title section of that title, also when the file has none (initial values); the
 * conf_array of such sections has only those that stand in the file. NULL for a title that `titles` does not give. */
void *conf_by_title(struct conf *conf, const struct conf_section *kind, const char *title);
/* conf_digest - SHA-256, hex, of the effective configuration: in every verdict's record. */
const char *conf_digest(const struct conf *conf);
/* conf_files - every file that was read, includes and secrets too. */
const struct conf_strs *conf_files(const struct conf *conf);

/* conf_print_default - the whole configuration, commented, with initial values; conf_print - the effective one. */
void conf_print_default(const struct conf_section *root, struct strbuf *out);
void conf_print(const struct conf *conf, struct strbuf *out);

#endif
