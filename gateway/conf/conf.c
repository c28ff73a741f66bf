/* conf/conf.c - gateway.conf into typed structs: one load from its beginning to its end. */
#include "gateway/conf/conf.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/conf/load.h"

static void add_fault(struct conf_load *load, struct conf_place at, size_t order, const char *text)
{
    struct strbuf line;

    if (load->fault_count == CONF_FAULTS_MOST) {
        load->is_hopeless = true;
        return;
    }
    strbuf_init(&line, 2048);
    strbuf_putf(&line, "%s:%u: ", at.file, at.line);
    for (const char *c = text; *c && line.len < 1024; c++) /* values in it may hold anything */
        strbuf_putc(&line, (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c);
    load->faults[load->fault_count] =
        (struct conf_fault){ order, load->fault_count, arena_dup(&load->scratch, strbuf_span(&line)) };
    load->fault_count++;
    strbuf_release(&line);
}

bool load_is_here(const struct conf_load *load, struct conf_place at)
{
    const struct conf_place *last = load->line_count ? &load->places[load->line_count - 1] : NULL;

    return last && last->line == at.line && strcmp(last->file, at.file) == 0;
}

void load_fault(struct conf_load *load, struct conf_place at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_fault(load, at, load->line_count * 2 + !load_is_here(load, at), arena_vprintf(&load->scratch, format, args));
    va_end(args);
}

void load_fault_at(struct conf_load *load, unsigned order, const char *format, ...)
{
    va_list args;
    size_t line = order < load->line_count ? order : load->line_count;

    va_start(args, format);
    add_fault(load,
              line ? load->places[line - 1] : (struct conf_place){ load->name ? load->name : "initial values", 1 },
              line * 2, arena_vprintf(&load->scratch, format, args));
    va_end(args);
}

void load_add_file(struct conf_load *load, const char *path)
{
    struct conf *conf = load->conf;

    if (conf->files.count == conf->file_capacity) {
        conf->file_capacity = conf->file_capacity ? conf->file_capacity * 2 : 8;
        conf->files.items = arena_grow(load->arena, conf->files.items, conf->files.count, conf->file_capacity,
                                       sizeof *conf->files.items);
    }
    conf->files.items[conf->files.count++] = arena_dup(load->arena, span_of(path));
}

static int compare_faults(const void *a, const void *b)
{
    const struct conf_fault *x = a, *y = b;

    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->count < y->count ? -1 : x->count > y->count;
}

static void tell_faults(struct conf_load *load, struct strbuf *faults)
{
    qsort(load->faults, load->fault_count, sizeof *load->faults, compare_faults);
    for (size_t i = 0; i < load->fault_count; i++)
        strbuf_putf(faults, "%s\n", load->faults[i].text);
    if (load->fault_count == CONF_FAULTS_MOST)
        strbuf_puts(faults, "and perhaps more; mend these first\n");
}

static void digest(struct conf *conf)
{
    struct span text = strbuf_span(&conf->effective);
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    if (!EVP_Digest(text.ptr, text.len, hash, &size, EVP_sha256(), NULL) || size != 32)
        BUG("EVP_Digest");
    for (unsigned i = 0; i < size; i++)
        snprintf(conf->digest + i * 2, 3, "%02x", hash[i]);
}

static void load_open(struct conf_load *load, const char *name)
{
    *load = (struct conf_load){ .conf = mem_alloc(sizeof *load->conf), .name = name };
    load->arena = &load->conf->arena;
    arena_init(load->arena, CONF_TEXT_BYTES_MOST);
    arena_init(&load->scratch, CONF_TEXT_BYTES_MOST);
    strbuf_init(&load->text, (size_t)CONF_TEXT_BYTES_MOST * 8); /* quotes and line ends are added to what was read */
    strbuf_init(&load->conf->shown, (size_t)CONF_TEXT_BYTES_MOST * 64);
    strbuf_init(&load->conf->effective, (size_t)CONF_TEXT_BYTES_MOST * 64);
}

static struct conf *load_close(struct conf_load *load, const struct conf_section *root, void **out_values,
                               struct strbuf *faults)
{
    struct conf *conf = load->conf;

    *out_values = load->is_hopeless ? NULL : load_fill(load, root);
    if (load->fault_count) {
        tell_faults(load, faults);
        *out_values = NULL;
    }
    strbuf_release(&load->text);
    arena_release(&load->scratch);
    if (*out_values) {
        digest(conf);
        return conf;
    }
    conf_free(conf);
    return NULL;
}

struct conf *conf_load(const struct conf_section *root, const char *path, void **out_values, struct strbuf *faults)
{
    struct conf_load load;

    load_open(&load, path);
    if (path)
        load_walk_file(&load, root, path);
    return load_close(&load, root, out_values, faults);
}

struct conf *conf_load_text(const struct conf_section *root, const char *name, struct span text, void **out_values,
                            struct strbuf *faults)
{
    struct conf_load load;

    load_open(&load, name);
    load_walk_text(&load, root, name, text);
    return load_close(&load, root, out_values, faults);
}

void conf_free(struct conf *conf)
{
    if (!conf)
        return;
    strbuf_release(&conf->shown);
    strbuf_release(&conf->effective);
    arena_release(&conf->arena);
    free(conf);
}

void *conf_by_title(struct conf *conf, const struct conf_section *kind, const char *title)
{
    for (const struct conf_instance *i = conf->instances; i; i = i->next)
        if (i->kind == kind && strcmp(i->title, title) == 0)
            return i->values;
    return NULL;
}

const char *conf_digest(const struct conf *conf)
{
    return conf->digest;
}

const struct conf_strs *conf_files(const struct conf *conf)
{
    return &conf->files;
}

/* ---- did you mean? ---- */

enum { NEAR_LENGTH_MOST = 40 };

/* The least number of letters inserted, left out, exchanged or swapped. */
static unsigned distance(struct span a, struct span b)
{
    unsigned rows[3][NEAR_LENGTH_MOST + 1] = { 0 };

    for (size_t k = 0; k <= b.len; k++)
        rows[0][k] = (unsigned)k;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];

        row[0] = (unsigned)i;
        for (size_t k = 1; k <= b.len; k++) {
            char x = ascii_lower(a.ptr[i - 1]), y = ascii_lower(b.ptr[k - 1]);
            unsigned best = above[k - 1] + (x != y);

            best = above[k] + 1 < best ? above[k] + 1 : best;
            best = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
            if (i > 1 && k > 1 && x == ascii_lower(b.ptr[k - 2]) && ascii_lower(a.ptr[i - 2]) == y &&
                above2[k - 2] + 1 < best)
                best = above2[k - 2] + 1;
            row[k] = best;
        }
    }
    return rows[a.len % 3][b.len];
}

const char *conf_nearest(struct span wrong, const char *(*next)(const void *from, size_t i), const void *from)
{
    unsigned least = (unsigned)(wrong.len / 3) + 1; /* a third of the letters wrong, at most */
    const char *best = NULL, *word;

    if (wrong.len > NEAR_LENGTH_MOST)
        return NULL;
    for (size_t i = 0; (word = next(from, i)); i++) {
        struct span candidate = span_of(word);
        unsigned d = candidate.len <= NEAR_LENGTH_MOST ? distance(wrong, candidate) : least;

        if (d < least || (d == least && d == 1 && !best)) {
            least = d;
            best = word;
        }
    }
    return best;
}
