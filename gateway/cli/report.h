/* cli/report.h - a verdict with its reasons: for people, and as the JSON that scripts rely on: fields are added,
 * never renamed.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "gateway/core/pipeline.h"
#include "gateway/mail/edit.h"

void report_json(struct pipeline *p, const struct verdict *verdict, const struct edits *edits, struct strbuf *out);
void report_text(struct pipeline *p, const struct verdict *verdict, const struct edits *edits, bool is_colour,
                 struct strbuf *out);

#endif
