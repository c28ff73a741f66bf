/* content/html_color.h - colours by name, and how far two are apart.
 *
 * Colours are 0xRRGGBB. Pure.
 */
#ifndef CONTENT_HTML_COLOR_H
#define CONTENT_HTML_COLOR_H

#include "gateway/base/span.h"

/* html_color_named - in any case [CSS-COLOR, named colors]. */
bool html_color_named(struct span name, uint32_t *rgb);
/* html_color_system - the colours of the reader's own, as they are by default [CSS-COLOR, system colors].
 * html_color_attribute - what bgcolor=, color= and text= say: nearly anything is a colour there [HTML 2.4.6]. */
bool html_color_system(struct span name, uint32_t *rgb);
bool html_color_attribute(struct span value, uint32_t *rgb);
/* html_contrast - from 1 (the same) to 21 (black on white) [WCAG21 1.4.3]. */
double html_contrast(uint32_t a, uint32_t b);

#endif
