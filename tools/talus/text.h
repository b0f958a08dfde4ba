/* text.h: text of any origin within JSON and XML. Both are UTF-8, and a file's name may be any
 * bytes: what is no letter of UTF-8 becomes the replacement character, a byte each. */
#ifndef TALUS_TOOLS_TEXT_H
#define TALUS_TOOLS_TEXT_H

#include <stdio.h>

/* As a JSON string, with its quotes. */
void tl_text_json(FILE *file, const char *text);

/* As the text of an XML or HTML element, or of an attribute between double quotes. */
void tl_text_xml(FILE *file, const char *text);

#endif
