/* main.c: talus-bench-load runs one workload and prints one line of figures.
 *     talus-bench-load --list        every workload: name, group, usual or extra, about
 *     talus-bench-load NAME [--seed N] [--scale X] [--settle MS]
 * The line: "load NAME ns N cpu_ns N ops N peak_kib N settled_kib N malloc PATH". ns is the wall
 * time of the timed part, cpu_ns the CPU time of the process from before its set-up to the end of
 * the timed part; peak is VmHWM when everything was freed, settled the resident size after --settle
 * ms of idling (0 ms: at once); PATH is the object that malloc came from.
 * Idling: each 10 ms, 64 blocks are allocated and freed, as a service at rest would. */
#define _GNU_SOURCE
#include "tools/talus/load/load.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void idle(uint64_t settle_ms)
{
    const struct timespec pause = { 0, 10000000 };
    void                 *blocks[64];
    uint64_t              end = tl_load_now() + settle_ms * 1000000;
    while (tl_load_now() < end) {
        nanosleep(&pause, NULL);
        for (unsigned i = 0; i < 64; i++)
            blocks[i] = tl_load_take(16 + i * 8);
        for (unsigned i = 0; i < 64; i++)
            tl_load_give(blocks[i]);
    }
}

static void list(void)
{
    for (size_t i = 0; i < tl_workloads_count; i++) {
        const struct tl_workload *workload = &tl_workloads[i];
        printf("%s\t%s\t%s\t%s\n", workload->name, workload->group,
               workload->usual ? "usual" : "extra", workload->about);
    }
}

static int usage(void)
{
    fputs("usage: talus-bench-load --list | NAME [--seed N] [--scale X] [--settle MS]\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    uint64_t                  settle_ms = 0, seed = 1;
    double                    scale = 1;
    const struct tl_workload *workload = NULL;
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        list();
        return 0;
    }
    if (argc < 2 || argc % 2 != 0)
        return usage();
    for (int i = 2; i < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--scale") == 0)
            scale = strtod(argv[i + 1], NULL);
        else if (strcmp(argv[i], "--settle") == 0)
            settle_ms = strtoull(argv[i + 1], NULL, 10);
        else
            return usage();
    }
    for (size_t i = 0; i < tl_workloads_count; i++) {
        if (strcmp(tl_workloads[i].name, argv[1]) == 0)
            workload = &tl_workloads[i];
    }
    if (workload == NULL || !(scale > 0)) {
        fprintf(stderr, "talus-bench-load: %s\n",
                workload == NULL ? "no such workload" : "--scale must be above 0");
        return usage();
    }
    struct tl_load        load = workload->parameters;
    struct tl_load_result result = { 0, 0 };
    load.seed = seed;
    load.scale = scale;
    uint64_t cpu_start = tl_load_cpu_now();
    workload->run(&load, &result);
    uint64_t cpu_ns = tl_load_cpu_now() - cpu_start;
    uint64_t peak_kib = tl_load_proc_kib("/proc/self/status", "VmHWM:");
    idle(settle_ms);
    uint64_t settled_kib = tl_load_proc_kib("/proc/self/smaps_rollup", "Rss:");
    printf("load %s ns %" PRIu64 " cpu_ns %" PRIu64 " ops %" PRIu64 " peak_kib %" PRIu64
           " settled_kib %" PRIu64 " malloc %s\n",
           workload->name, result.ns, cpu_ns, result.ops, peak_kib, settled_kib,
           tl_load_malloc_object());
    return 0;
}
