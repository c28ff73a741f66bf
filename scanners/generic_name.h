/* scanners/generic_name.h - names that a provider gives to addresses, rather than somebody to his mail server.
 *
 * "adsl-203-0-113-7.dynamic.example.net" says: nobody here runs a mail server. What counts is whether the client's
 * address (decimal, hexadecimal, forwards or backwards) stands in the name, and words such as dynamic, dsl, pool,
 * cable. Only labels in front of the organizational domain are read: a company may be called Dynamics.
 */
#ifndef SCANNERS_GENERIC_NAME_H
#define SCANNERS_GENERIC_NAME_H

#include "gateway/base/addr.h"

/* In the order of how sure it is that no mail server is meant. */
enum generic {
    GENERIC_NOT,
    GENERIC_STATIC,  /* the address, and a word for a fixed one: "static-203-0-113-7" */
    GENERIC_WORD,    /* a word for dial-up or dynamic lines, but no address: "pool7.dialup" */
    GENERIC_ADDRESS, /* the address, without a telling word: "203-0-113-7.customer-net" */
    GENERIC_ACCESS,  /* the address and a word for access lines: "adsl-203-0-113-7", "c-203-0-113-7.cable" */
    GENERIC_DYNAMIC, /* the address and a word for changing ones: "203-0-113-7.dyn" */
};

/* generic_name - how `name` (normal form) looks, as a name of `client`. Linear in the length. */
enum generic generic_name(const char *name, const struct addr *client);

#endif
