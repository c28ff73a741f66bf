/* rules/cf/cf_lines.c - rule files: lines, comments, includes, and who takes a line. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/cf/cf.h"

bool cf_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct span cf_trim(struct span s)
{
    while (s.len && cf_is_blank(s.ptr[0]))
        s = span_skip(s, 1);
    while (s.len && cf_is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool cf_word(struct span *rest, struct span *word)
{
    struct span s = cf_trim(*rest);
    size_t len = 0;

    while (len < s.len && !cf_is_blank(s.ptr[len]))
        len++;
    *word = span_first(s, len);
    *rest = cf_trim(span_skip(s, len));
    return len > 0;
}

void cf_note(struct cf *cf, const char *format, ...)
{
    if (cf->note_count == RULESET_NOTES_MAX)
        return;
    if (cf->note_count == cf->note_room) {
        cf->note_room = cf->note_room ? cf->note_room * 2 : 16;
        cf->notes = arena_grow(cf->arena, cf->notes, cf->note_count, cf->note_room, sizeof *cf->notes);
    }
    va_list args;

    va_start(args, format);
    cf->notes[cf->note_count++] = (struct rule_note){ cf->file, cf->line, arena_vprintf(cf->arena, format, args) };
    va_end(args);
}

static bool is_rule_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!ascii_is_alnum(name.ptr[i]) && name.ptr[i] != '_')
            return false;
    return name.len && !ascii_is_digit(name.ptr[0]);
}

struct draft *cf_draft(struct cf *cf, struct span name)
{
    if (!is_rule_name(name) || name.len > CF_NAME_MAX) {
        cf_note(cf, "\"%.*s\" is no name for a rule: letters, digits and _, at most %d, no digit first",
                SPAN_ARG(span_first(name, 40)), CF_NAME_MAX);
        return NULL;
    }
    if (cf->names.count == CF_RULES_MAX && names_find(&cf->names, name) == NAMES_NONE) {
        cf_note(cf, "this is one rule too many: there may be %d", CF_RULES_MAX);
        return NULL;
    }
    size_t before = cf->names.count, number = names_add(&cf->names, name);

    if (cf->names.count == before)
        return &cf->drafts[number];
    if (number == cf->room) {
        cf->room = cf->room ? cf->room * 2 : 256;
        cf->drafts = arena_grow(cf->arena, cf->drafts, number, cf->room, sizeof *cf->drafts);
    }
    cf->drafts[number] = (struct draft){ .rule = { .name = cf->names.items[number], .describe = "" } };
    return &cf->drafts[number];
}

/* ---- a line ---- */

/* What stands before a # that no backslash escapes; then \# is #. */
static struct span without_comment(struct cf *cf, struct span line)
{
    if (span_find(line, '#') == SPAN_NPOS)
        return line;
    char *out = arena_dup(cf->arena, line);
    size_t len = 0;

    for (size_t i = 0; i < line.len; i++) {
        bool is_escaped = i > 0 && line.ptr[i - 1] == '\\';

        if (line.ptr[i] == '#' && !is_escaped)
            break;
        len -= line.ptr[i] == '#';
        out[len++] = line.ptr[i];
    }
    return span_make(out, len);
}

/* "lang de describe ...": for those whose language begins with that. */
static bool is_of_language(struct cf *cf, struct span *line)
{
    struct span rest = *line, word;

    if (!cf_word(&rest, &word) || !span_is(word, "lang"))
        return true;
    if (!cf_word(&rest, &word) || !span_istarts(span_of(cf->language), word))
        return false;
    *line = rest;
    return true;
}

/* Keys are written in any case, with - or _. */
static struct span key_of(struct span word, char *room, size_t size)
{
    size_t len = 0;

    for (; len < word.len && len < size; len++)
        room[len] = word.ptr[len] == '-' ? '_' : ascii_lower(word.ptr[len]);
    return span_make(room, len);
}

static const char *quoted_path(struct cf *cf, struct span path)
{
    const char *slash = strrchr(cf->file, '/');

    if (span_starts(path, SPAN("/")) || !slash)
        return arena_dup(cf->arena, path);
    return arena_printf(cf->arena, "%.*s%.*s", (int)(slash + 1 - cf->file), cf->file, SPAN_ARG(path));
}

static void include(struct cf *cf, struct span value)
{
    const char *wrong = NULL;

    if (!value.len)
        cf_note(cf, "include wants the name of a file");
    else if (cf->depth == CF_DEPTH_MAX)
        cf_note(cf, "%.*s is not read: files include each other, or are nested too deeply", SPAN_ARG(value));
    else if (!cf_read(cf, quoted_path(cf, value), &wrong))
        cf_note(cf, "%s", wrong);
}

/* Perl's way to write a version: 4.0.1 is 4.000001. A file for another major version is read over, as it may mean
 * other things by the same words. */
static void require_version(struct cf *cf, struct span value)
{
    unsigned wanted = 0;

    for (size_t i = 0; i < value.len && ascii_is_digit(value.ptr[i]) && wanted < 1000; i++)
        wanted = wanted * 10 + (unsigned)(value.ptr[i] - '0');
    if (!value.len || span_starts(value, SPAN("@@")) || wanted == (unsigned)cf->version)
        return;
    cf_note(cf, "the rest of the file is not read: it is for version %.*s of SpamAssassin", SPAN_ARG(value));
    cf->is_skipping = true;
}

static void take_line(struct cf *cf, struct span line)
{
    char room[64];
    struct span word, key;

    line = cf_trim(without_comment(cf, line));
    if (!is_of_language(cf, &line) || !cf_word(&line, &word))
        return;
    key = key_of(word, room, sizeof room);
    if (cf_conditional(cf, key, line))
        return;
    if (cf->is_skipping || cf->beyond)
        cf_skip(cf, key, line);
    else if (span_is(key, "include"))
        include(cf, line);
    else if (span_is(key, "require_version"))
        require_version(cf, line);
    else
        cf_take(cf, key, line);
}

/* ---- files ---- */

static const char *read_whole(struct cf *cf, const char *path, struct span *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        int error = errno;

        if (fd >= 0)
            close(fd);
        return arena_printf(cf->arena, "%s cannot be read: %s", path, strerror(error));
    }
    if (!S_ISREG(st.st_mode) || st.st_size > CF_FILE_MAX || cf->total_bytes + (size_t)st.st_size > CF_TOTAL_MAX) {
        close(fd);
        return arena_printf(cf->arena,
                            "%s is no file of rules: it must be a regular file, of 4 MiB at most; all together 32 MiB",
                            path);
    }
    char *bytes = arena_alloc(cf->arena, (size_t)st.st_size + 1);
    size_t len = 0;
    ssize_t got;

    while (len < (size_t)st.st_size && (got = read(fd, bytes + len, (size_t)st.st_size - len)) > 0)
        len += (size_t)got;
    close(fd);
    cf->total_bytes += len;
    *out = span_make(bytes, len);
    return NULL;
}

void cf_text(struct cf *cf, const char *name, struct span text)
{
    const char *file = cf->file;
    unsigned line = cf->line, since = cf->block_count;
    bool was_skipping = cf->is_skipping;
    struct span next;

    cf->file = name;
    cf->line = 0;
    cf->depth++;
    text = span_skip(text, span_starts(text, SPAN("\xef\xbb\xbf")) ? 3 : 0); /* as editors of Windows put it there */
    while (text.len && span_cut(&text, '\n', &next)) {
        cf->line++;
        if (next.len > CF_LINE_MAX)
            cf_note(cf, "the line is longer than 64 KiB");
        else if (span_find(next, '\0') != SPAN_NPOS)
            cf_note(cf, "the line has a NUL in it");
        else
            take_line(cf, next);
    }
    cf_close_blocks(cf, since);
    cf->is_skipping = was_skipping;
    cf->depth--;
    cf->file = file;
    cf->line = line;
}

bool cf_read(struct cf *cf, const char *path, const char **wrong)
{
    struct span text;

    *wrong = cf->files++ < CF_FILES_MAX ? read_whole(cf, path, &text)
                                        : "no more files are read: there may be 1000, with what they include";
    if (*wrong)
        return false;
    cf_text(cf, arena_dup(cf->arena, span_of(path)), text);
    return true;
}
