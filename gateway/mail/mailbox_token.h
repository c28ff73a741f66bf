/* mail/mailbox_token.h - the words and signs of an address list [RFC5322 3.2]: a part of address_mailboxes(). */
#ifndef MAIL_MAILBOX_TOKEN_H
#define MAIL_MAILBOX_TOKEN_H

#include "gateway/base/arena.h"

/* Besides these, a token's kind is its one byte: < > @ , ; : and the dot. */
enum token_kind {
    TOKEN_END = 256,
    TOKEN_ATOM,    /* atext, with UTF-8 [RFC6532 3.2] */
    TOKEN_QUOTED,  /* with its quotes */
    TOKEN_LITERAL, /* with its brackets */
    TOKEN_BAD,     /* a byte that belongs nowhere, or a quote, bracket or parenthesis without its other half */
};

struct token {
    int kind;
    struct span text;
    bool has_gap; /* blanks or comments before it */
};

struct tokens {
    struct token *items; /* the last one is TOKEN_END, pointing behind the text */
    size_t count;
    bool is_cut;              /* more than fit: what is not here was not read */
    bool has_comment_address; /* an at sign inside a comment */
};

/* mailbox_comment - the length of the comment at the front of `s`, nested ones included [RFC5322 3.2.2]; 0 when it does
 * not end. MIME's parameters have the same ones. */
size_t mailbox_comment(struct span s);
/* mailbox_tokens - linear in the length. In `a`. */
void mailbox_tokens(struct arena *a, struct span text, struct tokens *out);

#endif
