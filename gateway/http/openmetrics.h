/* http/openmetrics.h - /metrics: what is counted, in the text format of OpenMetrics 1.0.
 *
 * Names begin with postern_; a few that rspamd's dashboards ask for stand beside them under its names, where they mean
 * the same here.
 */
#ifndef HTTP_OPENMETRICS_H
#define HTTP_OPENMETRICS_H

#include "gateway/base/strbuf.h"

#define OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

struct http_door;

void openmetrics_write(const struct http_door *door, struct strbuf *out);

#endif
