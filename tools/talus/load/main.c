/* main.c: talus-bench-load runs one workload and prints its figures.
 *     talus-bench-load --list        every workload: name, group, usual or extra, about
 *     talus-bench-load --programs    the real programs among them: name, name of the executable
 *     talus-bench-load NAME [--seed N] [--scale X] [--settle MS]
 * 1 Lines       first, of workloads that have them:
 *                   latency malloc|free p50 N p99 N p999 N max N samples N     ns (latency.h)
 *                   rss MS KIB          resident size, MS after the start (rss.h)
 *               then one line for all:
 *                   load NAME ns N cpu_ns N ops N peak_kib N settled_kib N minor_faults N
 *                       major_faults N voluntary_switches N involuntary_switches N
 *                       [clock_ns N] [rounds N shared_rounds N] malloc PATH
 * 2 Figures     ns is the wall time of the timed part, cpu_ns the CPU time of the process from
 *               before its set-up to the end of the timed part; peak is VmHWM when everything was
 *               freed, settled the resident size after --settle ms of rest (0 ms: at once); faults
 *               and switches are the process's up to that rest. clock_ns is what the clock itself
 *               adds to each figure of a latency line; shared_rounds says in how many of the
 *               rounds threads had blocks on one cache line (sharing.c). PATH is the object that
 *               malloc came from. */
#define _GNU_SOURCE
#include "tools/talus/load/latency.h"
#include "tools/talus/load/load.h"
#include "tools/talus/load/rss.h"
#include "tools/talus/real/real.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static void list(void)
{
    for (size_t i = 0; i < tl_workloads_count; i++) {
        const struct tl_workload *workload = &tl_workloads[i];
        printf("%s\t%s\t%s\t%s\n", workload->name, workload->group,
               workload->usual ? "usual" : "extra", workload->about);
    }
    tl_real_list();
}

static int usage(void)
{
    fputs("usage: talus-bench-load --list | NAME [--seed N] [--scale X] [--settle MS]\n", stderr);
    return 2;
}

static void run(const struct tl_workload *workload, uint64_t seed, double scale, uint64_t settle_ms)
{
    struct tl_load        load = workload->parameters;
    struct tl_load_result result = { .ns = 0 };
    struct rusage         usage;
    load.seed = seed;
    load.scale = scale;
    uint64_t cpu_start = tl_load_cpu_now();
    workload->run(&load, &result);
    uint64_t cpu_ns = tl_load_cpu_now() - cpu_start - result.cpu_apart_ns;
    uint64_t peak_kib = tl_load_proc_kib("/proc/self/status", "VmHWM:");
    getrusage(RUSAGE_SELF, &usage);
    tl_load_idle(settle_ms, false);
    uint64_t settled_kib = tl_load_proc_kib("/proc/self/smaps_rollup", "Rss:");
    if (result.malloc_latency != NULL) {
        tl_latency_print(result.malloc_latency, "malloc", stdout);
        tl_latency_print(result.free_latency, "free", stdout);
    }
    tl_rss_print(stdout);
    printf("load %s ns %" PRIu64 " cpu_ns %" PRIu64 " ops %" PRIu64 " peak_kib %" PRIu64
           " settled_kib %" PRIu64 " minor_faults %ld major_faults %ld voluntary_switches %ld "
           "involuntary_switches %ld",
           workload->name, result.ns, cpu_ns, result.ops, peak_kib, settled_kib, usage.ru_minflt,
           usage.ru_majflt, usage.ru_nvcsw, usage.ru_nivcsw);
    if (result.malloc_latency != NULL)
        printf(" clock_ns %" PRIu64, tl_latency_clock());
    if (result.rounds != 0)
        printf(" rounds %" PRIu32 " shared_rounds %" PRIu32, result.rounds, result.shared_rounds);
    printf(" malloc %s\n", tl_load_malloc_object());
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
    if (argc == 2 && strcmp(argv[1], "--programs") == 0) {
        tl_real_programs();
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
    if (scale > 0 && tl_real_is(argv[1])) {
        tl_real_run(argv[1], &(struct tl_real_run){ seed, scale, settle_ms });
        return 0;
    }
    if (workload == NULL || !(scale > 0)) {
        fprintf(stderr, "talus-bench-load: %s\n",
                workload == NULL ? "no such workload" : "--scale must be above 0");
        return usage();
    }
    run(workload, seed, scale, settle_ms);
    return 0;
}
