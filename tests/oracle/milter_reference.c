/* link: milter */
/* tests/oracle/milter_reference.c - a filter on libmilter that decides what a script says: the differential test holds
 * our packets against those of libmilter for the same decisions.
 *
 * usage: milter_reference SOCKET SCRIPT
 *
 *     rcpt ADDRESS CODE ENHANCED TEXT    this recipient gets that reply
 *     mail ADDRESS discard               messages of this sender vanish
 *     mail ADDRESS quarantine REASON     are held
 *     mail ADDRESS reply CODE ENHANCED TEXT
 *     remove NAME                        every field of that name goes, the last one first
 *     subject TEXT                       the first Subject becomes this
 *     insert NAME VALUE                  on top of all; "\n" in a value folds it
 *
 * What is agreed with the MTA is what we agree on: the same flags, the same macros.
 */
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/strbuf.h"
#include "milter/macros.h"

enum { LINES_MOST = 64, LINE_MOST = 2000, NAMES_MOST = 256 };

struct line {
    char text[LINE_MOST];
    char words[5][LINE_MOST]; /* the last holds the rest */
};

static struct line script[LINES_MOST];
static size_t line_count;
static uint32_t wanted_protocol = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_HDR | SMFIP_NR_EOH |
                                  SMFIP_NR_DATA | SMFIP_NR_UNKN | SMFIP_NOUNKNOWN | SMFIP_HDR_LEADSPC | SMFIP_RCPT_REJ |
                                  SMFIP_NR_BODY;

struct mail {
    char sender[LINE_MOST];
    char names[NAMES_MOST][64]; /* of the header fields, in their order */
    size_t count;
    unsigned long protocol;
};

/* ---- the script ---- */

static void split_line(struct line *line)
{
    struct span rest = span_of(line->text), word;

    for (size_t i = 0; i < 4; i++)
        if (span_cut(&rest, ' ', &word) && span_copy(word, line->words[i], LINE_MOST))
            BUG("a word of the script");
    if (rest.ptr && span_copy(rest, line->words[4], LINE_MOST))
        BUG("a line of the script");
}

/* What stands behind the first `words` words. */
static const char *rest_of(const struct line *line, unsigned words)
{
    struct span rest = span_of(line->text), word;

    for (unsigned i = 0; i < words; i++)
        span_cut(&rest, ' ', &word);
    return rest.ptr ? rest.ptr : "";
}

static bool read_script(const char *path)
{
    FILE *file = fopen(path, "r");

    if (!file)
        return false;
    while (line_count < LINES_MOST && fgets(script[line_count].text, LINE_MOST, file)) {
        script[line_count].text[strcspn(script[line_count].text, "\n")] = '\0';
        split_line(&script[line_count++]);
    }
    fclose(file);
    return true;
}

static const struct line *find_line(const char *verb, const char *address)
{
    for (size_t i = 0; i < line_count; i++)
        if (strcmp(script[i].words[0], verb) == 0 && strcmp(script[i].words[1], address) == 0)
            return &script[i];
    return NULL;
}

static void bare(const char *path, char *out)
{
    struct span s = span_of(path);

    if (s.len >= 2 && s.ptr[0] == '<')
        s = span_make(s.ptr + 1, s.len - 2);
    if (span_copy(s, out, LINE_MOST))
        out[0] = '\0';
}

/* ---- callbacks ---- */

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long protocol, unsigned long f2,
                             unsigned long f3, unsigned long *out_actions, unsigned long *out_protocol,
                             unsigned long *out2, unsigned long *out3)
{
    struct mail *mail = mem_alloc(sizeof *mail);

    (void)f2, (void)f3;
    *out_actions = actions & (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE | SMFIF_SETSYMLIST);
    *out_protocol = mail->protocol = protocol & wanted_protocol;
    *out2 = *out3 = 0;
    for (int i = 0; (*out_actions & SMFIF_SETSYMLIST) && i < MILTER_STAGES; i++) {
        char *list = mem_dup(macros_wanted[i]);

        smfi_setsymlist(ctx, i, list);
        free(list);
    }
    smfi_setpriv(ctx, mail);
    return SMFIS_CONTINUE;
}

static sfsistat on_mail(SMFICTX *ctx, char **arguments)
{
    struct mail *mail = smfi_getpriv(ctx);

    bare(arguments[0], mail->sender);
    mail->count = 0;
    return SMFIS_CONTINUE;
}

static sfsistat say(SMFICTX *ctx, const char *code, const char *enhanced, const char *text)
{
    char *copies[] = { mem_dup(code), mem_dup(enhanced), mem_dup(text) };

    if (smfi_setreply(ctx, copies[0], copies[1], copies[2]) != MI_SUCCESS)
        BUG("libmilter refuses the reply %s %s %s", code, enhanced, text);
    for (size_t i = 0; i < COUNT(copies); i++)
        free(copies[i]);
    return code[0] == '4' ? SMFIS_TEMPFAIL : SMFIS_REJECT;
}

static sfsistat on_rcpt(SMFICTX *ctx, char **arguments)
{
    char address[LINE_MOST];

    bare(arguments[0], address);
    const struct line *line = find_line("rcpt", address);

    return line ? say(ctx, line->words[2], line->words[3], line->words[4]) : SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    struct mail *mail = smfi_getpriv(ctx);

    (void)value;
    if (mail->count < NAMES_MOST && !span_copy(span_of(name), mail->names[mail->count], sizeof mail->names[0]))
        mail->count++;
    return SMFIS_CONTINUE;
}

static bool is_removed(const char *name)
{
    for (size_t i = 0; i < line_count; i++)
        if (strcmp(script[i].words[0], "remove") == 0 && span_iis(span_of(name), script[i].words[1]))
            return true;
    return false;
}

static const char *new_subject(void)
{
    for (size_t i = 0; i < line_count; i++)
        if (strcmp(script[i].words[0], "subject") == 0)
            return rest_of(&script[i], 1);
    return NULL;
}

/* A value as it goes to the MTA: the blank is ours to write when that was agreed on. */
static char *value_of(const struct mail *mail, const char *text)
{
    char *value = mem_alloc(strlen(text) + 2), *out = value;

    if (mail->protocol & SMFIP_HDR_LEADSPC)
        *out++ = ' ';
    for (; *text; text++) {
        bool is_fold = text[0] == '\\' && text[1] == 'n';

        *out++ = is_fold ? '\n' : *text;
        text += is_fold;
    }
    return value;
}

static int position(const struct mail *mail, size_t index)
{
    int n = 0;

    for (size_t i = 0; i <= index; i++)
        n += span_iis(span_of(mail->names[i]), mail->names[index]);
    return n;
}

static void change_fields(SMFICTX *ctx, struct mail *mail)
{
    const char *subject = new_subject();

    for (size_t i = mail->count; i-- > 0;) {
        if (is_removed(mail->names[i]))
            smfi_chgheader(ctx, mail->names[i], position(mail, i), NULL);
        if (subject && span_iis(span_of(mail->names[i]), "Subject") && position(mail, i) == 1) {
            char *value = value_of(mail, subject);

            smfi_chgheader(ctx, mail->names[i], 1, value);
            free(value);
        }
    }
    for (size_t i = 0; i < line_count; i++)
        if (strcmp(script[i].words[0], "insert") == 0) {
            char *value = value_of(mail, rest_of(&script[i], 2));

            smfi_insheader(ctx, 0, script[i].words[1], value);
            free(value);
        }
}

static sfsistat on_end(SMFICTX *ctx)
{
    struct mail *mail = smfi_getpriv(ctx);
    const struct line *line = find_line("mail", mail->sender);
    const char *verb = line ? line->words[2] : "";

    if (strcmp(verb, "discard") == 0)
        return SMFIS_DISCARD;
    if (strcmp(verb, "reply") == 0) {
        struct line parts = *line;
        struct span rest = span_of(rest_of(line, 3)), code, enhanced;

        span_cut(&rest, ' ', &code);
        span_cut(&rest, ' ', &enhanced);
        if (span_copy(code, parts.words[0], LINE_MOST) || span_copy(enhanced, parts.words[1], LINE_MOST))
            BUG("a reply of the script");
        return say(ctx, parts.words[0], parts.words[1], rest.ptr);
    }
    change_fields(ctx, mail);
    if (strcmp(verb, "quarantine") == 0) {
        char *reason = mem_dup(rest_of(line, 3));

        smfi_quarantine(ctx, reason);
        free(reason);
    }
    return SMFIS_ACCEPT;
}

static sfsistat on_close(SMFICTX *ctx)
{
    free(smfi_getpriv(ctx));
    smfi_setpriv(ctx, NULL);
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
    static char name[] = "reference";
    struct smfiDesc filter = { .xxfi_name = name,
                               .xxfi_version = SMFI_VERSION,
                               .xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE | SMFIF_SETSYMLIST,
                               .xxfi_envfrom = on_mail,
                               .xxfi_envrcpt = on_rcpt,
                               .xxfi_header = on_header,
                               .xxfi_eom = on_end,
                               .xxfi_close = on_close,
                               .xxfi_negotiate = on_negotiate };

    if (argc != 3 || !read_script(argv[2]) || smfi_setconn(argv[1]) != MI_SUCCESS ||
        smfi_register(filter) != MI_SUCCESS) {
        fprintf(stderr, "usage: milter_reference SOCKET SCRIPT\n");
        return 2;
    }
    return smfi_main();
}
