/* cli/json_text.h - foreign bytes as a JSON string. */
#ifndef CLI_JSON_TEXT_H
#define CLI_JSON_TEXT_H

#include <jansson.h>

#include "gateway/base/span.h"

/* cli_json_text - what is no UTF-8 appears as U+FFFD. */
json_t *cli_json_text(struct span s);

#endif
