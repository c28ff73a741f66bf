/* store/lmdb.h - the embedded driver of the state store: a file in the state folder (lmdb_file.h), for the processes of
 * one machine.
 *
 * What is asked in one turn of the loop is one transaction at its end, in the order in which it was asked; the answers
 * come after it has been committed. Threads: the loop's.
 */
#ifndef STORE_LMDB_H
#define STORE_LMDB_H

#include "gateway/store/driver.h"

extern const struct store_driver lmdb_driver;

#endif
