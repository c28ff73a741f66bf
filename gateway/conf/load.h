/* conf/load.h - one load under way: what source.c, walk.c and fill.c share. Not for other folders.
 *
 *     source.c   reads a file into tokens, and refuses bytes that do not belong into it
 *     walk.c     follows the tokens along the tables of keys: unknown names, repetitions, includes; what is sound
 *                goes on as one text, a line for each line that said something
 *     fill.c     gives that text to libconfuse, and its values, typed, to the structs
 *
 * libconfuse stops at its first fault, takes comments and environment variables where nobody expects them, drops
 * characters that it does not know, and has no notion of one section's keys depending on its title. So it sees only
 * what walk.c wrote, and reports what is left to go wrong: grammar.
 *
 * Threads: one load at a time in a process (libconfuse's lexer is global). Memory: `scratch` goes with the load.
 */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include "gateway/conf/conf.h"

enum {
    CONF_FILE_BYTES_MOST = 1 << 20,
    CONF_TEXT_BYTES_MOST = 16 << 20, /* all files together */
    CONF_FILES_MOST = 100,
    CONF_INCLUDE_DEPTH_MOST = 10,
    CONF_SECTIONS_MOST = 4096,
    CONF_LIST_MOST = 10000, /* libconfuse copies a list for each value that it adds */
    CONF_VALUE_BYTES_MOST = 8192,
    CONF_FAULTS_MOST = 50,
    CONF_TITLE_MOST = 255,
    CONF_SECRET_BYTES_MOST = 4096,
    CONF_SCHEMA_DEPTH_MOST = 10,
};

struct conf_place {
    const char *file;
    unsigned line;
};

struct conf_fault {
    size_t order; /* twice the line of the walked text, one more for what was left out behind it */
    size_t count; /* how many came before: keeps the order of one line */
    const char *text;
};

struct conf_instance { /* values of a by_title section */
    const struct conf_section *kind;
    const char *title;
    void *values;
    struct conf_instance *next;
};

struct conf {
    struct arena arena;
    struct conf_strs files;
    size_t file_capacity;
    struct conf_instance *instances;
    struct strbuf shown;     /* what conf_print gives */
    struct strbuf effective; /* the same without places: what the digest is of */
    char digest[65];
};

struct conf_load {
    struct conf *conf;
    const char *name;    /* of the first file or the text; NULL: there is none, all values are initial */
    struct arena *arena; /* the conf's */
    struct arena scratch;
    struct strbuf text;        /* what libconfuse gets */
    struct conf_place *places; /* of each of its lines */
    size_t line_count, line_capacity;
    struct conf_fault faults[CONF_FAULTS_MOST];
    size_t fault_count;
    size_t section_count, byte_count;
    bool is_hopeless; /* libconfuse would not understand the rest, or not as it is meant */
};

/* load_fault - one line more for the operator: "file:line: what is wrong; what to write". */
void load_fault(struct conf_load *load, struct conf_place at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* load_fault_at - of a value, by the line of the walked text where it stood. */
void load_fault_at(struct conf_load *load, unsigned order, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* load_is_here - whether `at` is where the newest line of the walked text comes from. */
bool load_is_here(const struct conf_load *load, struct conf_place at);
/* load_add_file - to conf_files(). */
void load_add_file(struct conf_load *load, const char *path);

/* load_walk - from a file or a text into load->text. */
void load_walk_file(struct conf_load *load, const struct conf_section *root, const char *path);
void load_walk_text(struct conf_load *load, const struct conf_section *root, const char *name, struct span text);
/* load_fill - from load->text into a new struct of root->size; NULL when libconfuse refuses the text. */
void *load_fill(struct conf_load *load, const struct conf_section *root);

/* conf_nearest - the word of `next(from, i)` that `wrong` was probably meant to be; NULL when none is near. */
const char *conf_nearest(struct span wrong, const char *(*next)(const void *from, size_t i), const void *from);

#endif
