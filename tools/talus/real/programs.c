/* programs.c: the real programs, and their work; see real.h. */
#define _GNU_SOURCE
#include "tools/talus/load/load.h"
#include "tools/talus/real/real.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct program {
    const char *name;
    const char *needs[2]; /* what must be installed, the program itself first */
    const char *packages; /* of Debian */
    bool        usual;    /* part of the bench unless --only says otherwise */
    void (*run)(const struct tl_real_run *run, struct tl_real_figures *figures);
    const char *about;
};

static char path[PATH_MAX]; /* of the program that runs */

static void run_sqlite(const struct tl_real_run *run, struct tl_real_figures *figures);
static void run_python(const struct tl_real_run *run, struct tl_real_figures *figures);
static void run_perl(const struct tl_real_run *run, struct tl_real_figures *figures);
static void run_compiler(const struct tl_real_run *run, struct tl_real_figures *figures);
static void run_compressor(const struct tl_real_run *run, struct tl_real_figures *figures);

static const struct program programs[] = {
    { "real-redis",
      { "redis-server", "redis-benchmark" },
      "redis-server redis-tools",
      true,
      tl_real_redis,
      "redis-server under redis-benchmark, values of changing sizes; per request, CPU and memory "
      "of the server" },
    { "real-sqlite",
      { "sqlite3" },
      "sqlite3",
      true,
      run_sqlite,
      "sqlite3 in memory: inserts, indexes, joins, text, JSON; per row" },
    { "real-python",
      { "python3" },
      "python3",
      true,
      run_python,
      "python3: objects, dicts, strings, JSON, all from malloc; per record" },
    { "real-perl",
      { "perl" },
      "perl",
      true,
      run_perl,
      "perl: hashes of arrays of hashes, strings, sorting; per word" },
    { "real-compiler",
      { "g++" },
      "g++",
      true,
      run_compiler,
      "cc1plus -O1 on templates around standard containers; per KiB of preprocessed source" },
    { "real-pbzip2",
      { "pbzip2" },
      "pbzip2",
      true,
      run_compressor,
      "pbzip2 on 2 threads, small blocks; per KiB" },
    { "real-zstd", { "zstd" }, "zstd", false, run_compressor, "zstd on 2 threads; per KiB" },
};
#define PROGRAMS (sizeof programs / sizeof programs[0])

/* --- the work --------------------------------------------------------------------------------- */

static uint64_t scaled(uint64_t count, const struct tl_real_run *run)
{
    double product = (double)count * run->scale;
    return product >= 1 ? (uint64_t)product : 1;
}

static void run_timed(char *const *argv, int input, uint64_t ops, struct tl_real_figures *figures)
{
    uint64_t start = tl_load_now();
    tl_real_wait(tl_real_start(argv, input, -1, true), argv[0], 0);
    figures->ns = tl_load_now() - start;
    figures->ops = ops;
    if (input >= 0)
        close(input);
}

static void run_sqlite(const struct tl_real_run *run, struct tl_real_figures *figures)
{
    uint64_t rows = scaled(100000, run) + 10; /* :n / 2 divides */
    char     script[PATH_MAX], read[PATH_MAX + 8], count[64], seed[64];
    tl_real_script("sales.sql", script);
    snprintf(read, sizeof read, ".read %s", script);
    snprintf(count, sizeof count, ".parameter set :n %" PRIu64, rows);
    snprintf(seed, sizeof seed, ".parameter set :seed %" PRIu64, run->seed);
    char *argv[] = { path,  "-batch", "-bail", "-init",    "/dev/null", "-cmd",
                     count, "-cmd",   seed,    ":memory:", read,        NULL };
    run_timed(argv, -1, rows, figures);
}

/* PROGRAM OPTIONS SCRIPT COUNT SEED */
static void run_script(char *option, const char *name, uint64_t count, uint64_t seed,
                       struct tl_real_figures *figures)
{
    char script[PATH_MAX], count_text[24], seed_text[24];
    tl_real_script(name, script);
    snprintf(count_text, sizeof count_text, "%" PRIu64, count);
    snprintf(seed_text, sizeof seed_text, "%" PRIu64, seed);
    char *argv[] = { path, option, script, count_text, seed_text, NULL };
    run_timed(argv, -1, count, figures);
}

static void run_python(const struct tl_real_run *run, struct tl_real_figures *figures)
{
    setenv("PYTHONMALLOC", "malloc", 1); /* not from its own arenas */
    setenv("PYTHONHASHSEED", "0", 1);
    run_script("-S", "records.py", scaled(24000, run), run->seed, figures);
}

static void run_perl(const struct tl_real_run *run, struct tl_real_figures *figures)
{
    setenv("PERL_HASH_SEED", "0", 1);
    run_script("-w", "words.pl", scaled(50000, run), run->seed, figures);
}

/* The compiler proper, instead of the driver. */
static void find_compiler(void)
{
    int   place = tl_real_temporary();
    char *find[] = { path, "-print-prog-name=cc1plus", NULL };
    tl_real_help(find, -1, place);
    ssize_t length = pread(place, path, sizeof path - 1, 0);
    close(place);
    path[length > 0 ? length : 0] = '\0';
    path[strcspn(path, "\n")] = '\0';
    if (path[0] != '/')
        tl_real_die("g++ does not say where cc1plus is");
}

static void run_compiler(const struct tl_real_run *run, struct tl_real_figures *figures)
{
    uint64_t copies = scaled(2, run);
    char     script[PATH_MAX], define[40];
    int      source = tl_real_temporary();
    tl_real_script("containers.cc", script);
    snprintf(define, sizeof define, "-DCOPIES=%" PRIu64, copies);
    char *preprocess[] = { path, "-std=c++17", "-E", "-P", define, script, NULL };
    tl_real_help(preprocess, -1, source);
    uint64_t kib = (uint64_t)lseek(source, 0, SEEK_END) / 1024 + 1;
    find_compiler();
    char *compile[] = { path, "-quiet", "-fpreprocessed", "-std=c++17", "-O1", "-w",
                        "-",  "-o",     "/dev/null",      NULL };
    run_timed(compile, source, kib, figures);
}

/* Words that come again, as in a text. */
static int make_text(uint64_t kib, uint64_t seed)
{
    static char   words[4096][12];
    struct tl_rng rng = { seed * 2 + 1 };
    int           file = tl_real_temporary();
    FILE         *text = fdopen(dup(file), "w");
    for (unsigned w = 0; w < 4096; w++) {
        unsigned length = 2 + tl_rng_below(&rng, 9);
        for (unsigned i = 0; i < length; i++)
            words[w][i] = "eeetaoinshrdlucm"[tl_rng_below(&rng, 16)];
    }
    for (uint64_t bytes = 0; text != NULL && bytes < kib * 1024;) {
        unsigned most = 1u << tl_rng_below(&rng, 13); /* the first ones more often */
        int      written = fprintf(text, "%s%c", words[tl_rng_below(&rng, most)],
                              tl_rng_below(&rng, 12) == 0 ? '\n' : ' ');
        if (written < 0)
            break;
        bytes += (uint64_t)written;
    }
    if (text == NULL || fclose(text) != 0)
        tl_real_die("cannot write the text to compress");
    return file;
}

static void run_compressor(const struct tl_real_run *run, struct tl_real_figures *figures)
{
    bool     zstd = strstr(path, "zstd") != NULL;
    uint64_t kib = scaled(zstd ? 32 * 1024 : 8 * 1024, run);
    int      text = make_text(kib, run->seed);
    char    *with_zstd[] = { path, "-q", "-T2", "-5", "-c", NULL };
    char    *with_pbzip2[] = { path, "-q", "-p2", "-1", "-c", NULL };
    run_timed(zstd ? with_zstd : with_pbzip2, text, kib, figures);
}

/* --- the workloads ---------------------------------------------------------------------------- */

static const struct program *find(const char *name)
{
    for (size_t p = 0; p < PROGRAMS; p++) {
        if (strcmp(programs[p].name, name) == 0)
            return &programs[p];
    }
    return NULL;
}

static bool is_installed(const struct program *program)
{
    for (size_t n = 0; n < 2 && program->needs[n] != NULL; n++) {
        if (!tl_real_find(program->needs[n], path))
            return false;
    }
    return tl_real_find(program->needs[0], path);
}

bool tl_real_is(const char *name)
{
    return find(name) != NULL;
}

void tl_real_list(void)
{
    for (size_t p = 0; p < PROGRAMS; p++) {
        const struct program *program = &programs[p];
        if (is_installed(program))
            printf("%s\treal\t%s\t%s\n", program->name, program->usual ? "usual" : "extra",
                   program->about);
        else
            printf("%s\treal\tmissing\t%s\n", program->name, program->packages);
    }
}

void tl_real_programs(void)
{
    char resolved[PATH_MAX];
    for (size_t p = 0; p < PROGRAMS; p++) {
        if (!is_installed(&programs[p]))
            continue;
        if (programs[p].run == run_compiler)
            find_compiler();
        if (realpath(path, resolved) != NULL)
            printf("%s\t%s\n", programs[p].name, strrchr(resolved, '/') + 1);
    }
}

void tl_real_run(const char *name, const struct tl_real_run *run)
{
    struct tl_real_figures figures = { 0, 0, 0 };
    const struct program  *program = find(name);
    if (!is_installed(program))
        tl_real_die("%s is not installed (Debian: apt-get install %s)", program->needs[0],
                    program->packages);
    program->run(run, &figures);
    const struct rusage *used = tl_real_usage();
    uint64_t cpu_us = (uint64_t)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) * 1000000 +
                      (uint64_t)(used->ru_utime.tv_usec + used->ru_stime.tv_usec);
    printf("load %s ns %" PRIu64 " cpu_ns %" PRIu64 " ops %" PRIu64
           " peak_kib %ld settled_kib %" PRIu64 " minor_faults %ld major_faults %ld malloc %s\n",
           name, figures.ns, cpu_us * 1000, figures.ops, used->ru_maxrss, figures.settled_kib,
           used->ru_minflt, used->ru_majflt, tl_real_malloc_object());
}
