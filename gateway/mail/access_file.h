/* mail/access_file.h - an access_set, or another kind of list, that is kept in a file, watched while we run.
 *
 * One entry a line; a byte order mark and CR LF are taken. In files of access sets `#` at the start of a line or behind
 * a blank begins a comment. A changed file is read in pieces, so that the loop is never held up, and takes over when it
 * has been read whole and without fault; otherwise the last good version stays in force. A file that changes while it
 * is read, or between two looks, is somebody's who is still writing: it is read once it stands still.
 */
#ifndef MAIL_ACCESS_FILE_H
#define MAIL_ACCESS_FILE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "gateway/base/strbuf.h"
#include "gateway/mail/access_set.h"

enum { ACCESS_LINE_MOST = 1024, ACCESS_FILE_BYTES_MOST = 64 << 20 };

struct access_stamp {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec changed;
};

/* What a file's lines become. `kind` is the reader's own. */
struct access_reader {
    /* As in Postfix's tables: a line that begins with a blank goes on with the one before, and comments have lines of
     * their own. add() gets whole entries, of ACCESS_LINE_MOST bytes at most, without comments. */
    bool joins_lines;
    void *(*make)(int kind, size_t expected);
    /* NULL, or what is wrong with the line, which comes without its end, and with its comment. */
    const char *(*add)(void *set, struct span line, unsigned number);
    void (*free)(void *set); /* NULL is fine */
};

/* access_entry_of - a line without its comment and the blanks around it. */
struct span access_entry_of(struct span line);

struct access_reading;

struct access_file {
    const char *path; /* borrowed */
    const struct access_reader *reader;
    int kind;  /* enum access_kind */
    void *set; /* struct access_set, or the reader's; in force; NULL: there was no version without a fault yet */
    bool keeps_replaced; /* the version that a new one has replaced is not freed, but */
    void *replaced;      /* here, for who asked for that */
    struct access_stamp stamp, seen;
    struct access_reading *reading; /* a new version, half read */
    struct strbuf refusal;          /* why the file as it is now is not in force; empty: it is */
    uint64_t told;                  /* of which refusal the operator knows */
};

/* access_file_open - reads it whole; false with lines "path:line: what is wrong; what to write" in f->refusal: then it
 * may be closed, or looked at until there is a better version. */
bool access_file_open(struct access_file *f, const char *path, enum access_kind kind);
/* access_file_open_as - the same for another kind of list. */
bool access_file_open_as(struct access_file *f, const char *path, const struct access_reader *reader, int kind);
void access_file_close(struct access_file *f);
/* access_file_look - has the file changed? Reads up to `bytes` of a new version. True when one has come into force. */
bool access_file_look(struct access_file *f, size_t bytes);
/* access_file_complaint - the first line of the refusal, once for each; empty: there is nothing new to tell. */
struct span access_file_complaint(struct access_file *f);

#endif
