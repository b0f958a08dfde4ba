/* words.h: lists of words with commas between them, as the options of commands have them, and what
 * a word that is none of those may have meant. */
#ifndef STRESS_WORDS_H
#define STRESS_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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

enum { ST_NAME_LETTERS_MAX = 63 };

/* Letters to change, to add and to leave out that make the one of the other (Levenshtein). */
static inline size_t st_word_letters_to(const struct st_word *word, const char *name)
{
    size_t row[ST_NAME_LETTERS_MAX + 1], length = strlen(name);

    if (length > ST_NAME_LETTERS_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 0; i < word->length; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            size_t changed = diagonal + (word->text[i] != name[j]);
            size_t fewer = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            diagonal = row[j + 1];
            row[j + 1] = changed < fewer ? changed : fewer;
        }
    }
    return row[length];
}

/* The name that may have been meant. */
struct st_nearest {
    const char *name;    /* NULL: none is like it */
    size_t      letters; /* between the two */
};

enum { ST_NEAREST_LETTERS = 3 }; /* so many make another word */
#define ST_NEAREST_INIT          \
    {                            \
        NULL, ST_NEAREST_LETTERS \
    }

static inline void st_nearest_try(struct st_nearest *nearest, const struct st_word *word,
                                  const char *name)
{
    size_t letters = st_word_letters_to(word, name);

    if (word->length >= 3 && strncmp(word->text, name, word->length) == 0)
        letters = 1; /* its beginning */
    if (letters < nearest->letters)
        *nearest = (struct st_nearest){ name, letters };
}

#endif
