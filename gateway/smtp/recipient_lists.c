/* smtp/recipient_lists.c - access sets in watched files, by path. */
#include "gateway/smtp/recipient_lists.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/log.h"
#include "gateway/base/table.h"
#include "gateway/mail/access_file.h"

enum { LOOKED_AT_ONCE = 20 };

struct recipient_list {
    struct keyed keyed; /* the first member: its path */
    struct access_file file;
    struct recipient_list *next;
    bool is_wanted;
    char path[];
};

struct recipient_lists {
    struct table by_path;
    struct recipient_list *first;
    struct recipient_list *turn; /* to be looked at */
};

struct recipient_lists *recipient_lists_new(void)
{
    struct recipient_lists *lists = mem_alloc(sizeof *lists);

    table_init(&lists->by_path);
    return lists;
}

static void forget(struct recipient_lists *lists, struct recipient_list **at)
{
    struct recipient_list *list = *at;

    *at = list->next;
    table_remove(&lists->by_path, &list->keyed);
    access_file_close(&list->file);
    free(list);
}

void recipient_lists_free(struct recipient_lists *lists)
{
    if (!lists)
        return;
    while (lists->first)
        forget(lists, &lists->first);
    table_release(&lists->by_path);
    free(lists);
}

static void complain(struct recipient_list *list)
{
    struct span complaint = access_file_complaint(&list->file);
    const char *what = list->file.set ? "the list stays as it was" : "recipients are told 451";

    if (complaint.len)
        log_warn("list_refused", "%s: %.*s", what, SPAN_ARG(complaint));
}

struct recipient_list *recipient_lists_get(struct recipient_lists *lists, const char *path)
{
    struct recipient_list *list = (struct recipient_list *)table_find(&lists->by_path, path);

    if (!list) {
        size_t len = strlen(path);

        list = mem_alloc(sizeof *list + len + 1);
        memcpy(list->path, path, len);
        list->keyed.key = list->path;
        table_add(&lists->by_path, &list->keyed);
        list->next = lists->first;
        lists->first = list;
        access_file_open(&list->file, list->path, ACCESS_ADDRESSES);
        complain(list);
    }
    list->is_wanted = true;
    return list;
}

enum listed recipient_list_has(const struct recipient_list *list, const struct address *recipient,
                               const char *delimiters)
{
    struct address bare = *recipient;
    size_t at = 1;

    if (!list->file.set)
        return LISTED_UNKNOWN;
    if (access_set_has_address(list->file.set, recipient, NULL))
        return LISTED_YES;
    while (at < bare.local.len && !strchr(delimiters, bare.local.ptr[at]))
        at++;
    bare.local = span_first(bare.local, at);
    return bare.local.len < recipient->local.len && access_set_has_address(list->file.set, &bare, NULL) ? LISTED_YES
                                                                                                        : LISTED_NO;
}

static void look(struct recipient_list *list, size_t bytes)
{
    if (access_file_look(&list->file, bytes))
        log_info("list_reloaded", "%s: %zu entries", list->path, access_set_count(list->file.set));
    complain(list);
}

void recipient_lists_look(struct recipient_lists *lists, size_t bytes)
{
    for (int i = 0; i < LOOKED_AT_ONCE; i++) {
        if (!lists->turn)
            lists->turn = lists->first;
        if (!lists->turn)
            return;
        look(lists->turn, bytes);
        lists->turn = lists->turn->next;
        if (!lists->turn)
            return; /* none twice */
    }
}

void recipient_lists_begin(struct recipient_lists *lists)
{
    for (struct recipient_list *list = lists->first; list; list = list->next)
        list->is_wanted = false;
}

void recipient_lists_keep(struct recipient_lists *lists)
{
    lists->turn = NULL;
    for (struct recipient_list **at = &lists->first; *at;) {
        if ((*at)->is_wanted)
            at = &(*at)->next;
        else
            forget(lists, at);
    }
}

size_t recipient_lists_count(const struct recipient_lists *lists)
{
    return lists->by_path.count;
}
