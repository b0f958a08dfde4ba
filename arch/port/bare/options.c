/* options.c: reads the command line anew for each question: it is asked a few times only. */
#include "arch/port/bare/options.h"

#include "arch/port/bare/console.h"
#include "arch/port/bare/machine.h"

/* The rest of `text` behind `start`, or NULL when it begins otherwise. */
static const char *behind(const char *text, const char *start)
{
    while (*start != '\0' && *text == *start) {
        text++;
        start++;
    }
    return *start == '\0' ? text : NULL;
}

/* The first letter of the next word at or behind `text`, or NULL. */
static const char *word_at(const char *text)
{
    while (*text == ' ')
        text++;
    return *text != '\0' ? text : NULL;
}

static const char *word_end(const char *text)
{
    while (*text != '\0' && *text != ' ')
        text++;
    return text;
}

/* The value in a word that begins with key=, or NULL. */
static const char *value_in(const char *word, const char *key)
{
    const char *rest = behind(word, key);

    return rest != NULL && *rest == '=' ? rest + 1 : NULL;
}

static const char *value_of(const char *key)
{
    const char *word = word_at(machine_command_line());
    const char *value = NULL;

    while (word != NULL && value == NULL) {
        value = value_in(word, key);
        word = word_at(word_end(word));
    }
    return value;
}

static TL_NORETURN void refuse(const char *word, const char *why)
{
    char     shown[32];
    unsigned length = 0;

    while (length < sizeof shown - 1 && word + length < word_end(word)) {
        shown[length] = word[length];
        length++;
    }
    shown[length] = '\0';
    bare_end(BARE_BAD_WORD, "command line", "'%s': %s", shown, why);
}

void bare_options_check(const char *const *keys, unsigned count)
{
    const char *word = word_at(machine_command_line());

    for (; word != NULL; word = word_at(word_end(word))) {
        unsigned i = 0;

        while (i < count && value_in(word, keys[i]) == NULL)
            i++;
        if (i == count)
            refuse(word, "no such option");
    }
}

uint32_t bare_option_number(const char *key, uint32_t otherwise)
{
    const char *value = value_of(key);
    const char *end;
    uint64_t    number = 0;

    if (value == NULL)
        return otherwise;
    end = word_end(value);
    if (value == end)
        refuse(key, "has no value");
    for (const char *digit = value; digit < end; digit++) {
        number = number * 10 + (uint64_t)(*digit - '0');
        if (*digit < '0' || *digit > '9' || number > UINT32_MAX)
            refuse(value, "no number below 2^32");
    }
    return (uint32_t)number;
}

unsigned bare_option_choice(const char *key, const char *const *names, unsigned count,
                            unsigned otherwise)
{
    const char *value = value_of(key);

    if (value == NULL)
        return otherwise;
    for (unsigned i = 0; i < count; i++)
        if (behind(value, names[i]) == word_end(value))
            return i;
    bare_print("%s= takes one of:", key);
    for (unsigned i = 0; i < count; i++)
        bare_print(" %s", names[i]);
    bare_print("\n");
    refuse(value, "no such value");
}
