/* words.h: lists of words with commas between them, as the options of commands have them. */
#ifndef STRESS_WORDS_H
#define STRESS_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Part of a list. */
struct st_word {
    const char *text;
    size_t      length;
};

/* Takes the first word off *list; false: *list is NULL, which it becomes behind its last word. A
 * word may be empty. */
static inline bool st_words_next(const char **list, struct st_word *word)
{
    if (*list == NULL)
        return false;
    *word = (struct st_word){ *list, strcspn(*list, ",") };
    *list = word->text[word->length] == ',' ? word->text + word->length + 1 : NULL;
    return true;
}

static inline bool st_word_is(const struct st_word *word, const char *name)
{
    return strlen(name) == word->length && memcmp(name, word->text, word->length) == 0;
}

/* Whether `name` is in the list; NULL has all names in it. */
static inline bool st_words_have(const char *list, const char *name)
{
    struct st_word word;
    bool           found = list == NULL;

    while (!found && st_words_next(&list, &word))
        found = st_word_is(&word, name);
    return found;
}

#endif
