/* smtp/maildir.h - delivery into a Maildir: on disk, file and directory, before anyone is told 250.
 *
 * The message is written to tmp/, flushed, linked into new/, and new/ is flushed: a reader sees all of it or nothing,
 * and so does the disk after a power cut. Lines end in LF there, as readers of a Maildir expect; since no bare CR or
 * LF ever comes this far, that loses nothing. Return-Path and Delivered-To are put on top [RFC5321 4.4].
 *
 * Threads: any; it blocks on the disk, so it runs on a worker. Memory: one buffer of 64 KiB.
 */
#ifndef SMTP_MAILDIR_H
#define SMTP_MAILDIR_H

#include "gateway/mail/edit.h"
#include "gateway/mail/session.h"

enum { MAILDIR_NAME_MAX = 200, MAILDIR_ERROR_MAX = 300 };

/* maildir_prepare - makes the directory and its tmp, new and cur where they lack. FAULT_IO, with a sentence in `error`
 * (MAILDIR_ERROR_MAX), and errno. */
enum fault maildir_prepare(const char *path, char *error);
/* maildir_write - `name` (MAILDIR_NAME_MAX) gets the file's name in new/. FAULT_IO: nothing was delivered; a sentence
 * in `error` (MAILDIR_ERROR_MAX). */
enum fault maildir_write(const char *path, const struct session *session, const struct pieces *message, char *name,
                         char *error);

#endif
