/* text.c: see text.h. */
#include "tools/talus/text.h"

#include <stdbool.h>
#include <stdint.h>

/* Bytes of the letter that begins at `at`; 0: none does. */
static size_t letter_bytes(const unsigned char *at)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 }; /* less has a shorter form */
    size_t                bytes;
    uint32_t              letter;

    if (at[0] < 0x80)
        return 1;
    bytes = at[0] >= 0xf8 ? 0 : at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : at[0] >= 0xc0 ? 2 : 0;
    letter = at[0] & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) {
        if ((at[i] & 0xc0) != 0x80) /* the end of the text, too */
            return 0;
        letter = letter << 6 | (at[i] & 0x3fu);
    }
    bool surrogate = letter >= 0xd800 && letter < 0xe000;
    return letter < least[bytes] || letter > 0x10ffff || surrogate ? 0 : bytes;
}

/* Writes the letter at `at` and returns where the next is. */
static const unsigned char *write_letter(FILE *file, const unsigned char *at)
{
    size_t bytes = letter_bytes(at);

    if (bytes == 0) {
        fputs("\xef\xbf\xbd", file);
        return at + 1;
    }
    fwrite(at, 1, bytes, file);
    return at + bytes;
}

void tl_text_json(FILE *file, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    fputc('"', file);
    while (*at != '\0') {
        if (*at == '"' || *at == '\\')
            fputc('\\', file);
        if (*at < 0x20)
            fprintf(file, "\\u%04x", *at++);
        else
            at = write_letter(file, at);
    }
    fputc('"', file);
}

void tl_text_xml(FILE *file, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    while (*at != '\0') {
        const char *name = *at == '&'   ? "&amp;"
                           : *at == '<' ? "&lt;"
                           : *at == '>' ? "&gt;"
                           : *at == '"' ? "&quot;"
                                        : NULL;
        if (name == NULL && *at < 0x20 && *at != '\n' && *at != '\t')
            name = "?"; /* XML has no other control characters */
        if (name == NULL) {
            at = write_letter(file, at);
        } else {
            fputs(name, file);
            at++;
        }
    }
}
