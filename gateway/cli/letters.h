/* cli/letters.h - the messages in files, Maildirs, folders and mailboxes, one by one. Threads: one. */
#ifndef CLI_LETTERS_H
#define CLI_LETTERS_H

#include "gateway/base/span.h"

/* A message, lines in CRLF, borrowed until the function returns. False: no more. */
typedef bool letter_fn(void *arg, struct span message);
/* So much of a file, and all before it, is done: of `letters_bytes`. */
typedef void letters_seen_fn(void *arg, uint64_t bytes);

/* letters_bytes - of all files under `paths`, for a progress bar; 0: not known. */
uint64_t letters_bytes(char *const *paths);
/* letters_read - `paths` end with NULL; - is standard input. Of a Maildir what is in cur and new, its folders, too; of
 * another folder all files; a file that begins with "From " is an mbox, of any size. False: something could not be
 * read, and was named on standard error; the rest was read all the same. */
bool letters_read(char *const *paths, letter_fn *fn, letters_seen_fn *seen, void *arg);

#endif
