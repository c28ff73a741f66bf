/* mail/rtf.h - the text that Rich Text shows, and the HTML or text that Outlook has hidden in it [MS-OXRTFEX].
 *
 * Never fails; linear; groups to any depth. Threads: any. Memory: the result lies in `a`.
 */
#ifndef MAIL_RTF_H
#define MAIL_RTF_H

#include "gateway/base/arena.h"

struct rtf_text {
    struct span text; /* UTF-8 */
    bool is_html;     /* it is HTML that was hidden in it */
    bool is_cut;      /* longer than `most`, or changing between characters of two kinds 100,000 times */
};

void rtf_read(struct arena *a, struct span rtf, size_t most, struct rtf_text *out);

#endif
