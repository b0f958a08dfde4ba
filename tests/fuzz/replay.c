/* replay.c: the main of a target where libFuzzer is not: runs it on each file named, and on each
 * file in each folder named, and names each before: one that fails ends the process. */
#define _FILE_OFFSET_BITS 64 /* a 32-bit readdir knows no larger inodes */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"

#define INPUT_BYTES_MAX ((size_t)1024 * 1024)
#define PATH_BYTES_MAX  4096

static size_t inputs;

static int run_file(const char *path)
{
    static uint8_t buffer[INPUT_BYTES_MAX];
    FILE          *file = fopen(path, "rb");

    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 1;
    }
    size_t   size = fread(buffer, 1, sizeof buffer, file);
    uint8_t *exact = malloc(size + 1); /* so that a sanitizer sees what is read beyond it */
    fclose(file);
    if (exact == NULL)
        return 1;
    memcpy(exact, buffer, size);
    printf("%s\n", path);
    fflush(stdout);
    inputs++;
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int run_folder(const char *path)
{
    struct dirent **entries = NULL;
    int             count = scandir(path, &entries, is_input, alphasort);
    int             status = count > 0 ? 0 : 1;

    if (count <= 0)
        fprintf(stderr, "%s: no input in it\n", path);
    for (int i = 0; i < count; i++) {
        char file[PATH_BYTES_MAX];

        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        free(entries[i]);
        if (status == 0)
            status = run_file(file);
    }
    free(entries);
    return status;
}

int main(int argc, char **argv)
{
    int status = argc > 1 ? 0 : 2;

    if (argc < 2)
        fprintf(stderr, "usage: %s FILE-OR-FOLDER...\n", argv[0]);
    for (int i = 1; i < argc && status == 0; i++) {
        struct stat about;

        if (stat(argv[i], &about) == 0 && S_ISDIR(about.st_mode))
            status = run_folder(argv[i]);
        else
            status = run_file(argv[i]);
    }
    if (status == 0)
        printf("%zu inputs\n", inputs);
    return status;
}
