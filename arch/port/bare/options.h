/* options.h: the words key=value of the command line; a key counts only where a word begins. */
#ifndef TL_BARE_OPTIONS_H
#define TL_BARE_OPTIONS_H

#include "arch/compiler.h"

/* Ends the image with BARE_BAD_WORD unless each word begins with one of the `count` keys and '='.
 */
void bare_options_check(const char *const *keys, unsigned count);

/* The value of `key` as a decimal number, or `otherwise` where the key is absent. What is no
 * number below 2^32 ends the image with BARE_BAD_WORD. */
uint32_t bare_option_number(const char *key, uint32_t otherwise);

/* Which of the `count` names is the value of `key`; `otherwise` where the key is absent. Any other
 * value ends the image with BARE_BAD_WORD. */
unsigned bare_option_choice(const char *key, const char *const *names, unsigned count,
                            unsigned otherwise);

#endif
