/* inspect.h: what the heaps look like, for whoever cannot ask them: a panic handler, a debugger's
 * call, a handler of fatal signals (R40).
 *
 * The dump takes no lock, allocates nothing and waits for nobody, so it serves where other CPUs
 * were stopped in the midst of anything, locks held. It also serves where the heap's own structures
 * are damaged: lists are followed a bounded number of steps, and a pointer only if it leads into
 * memory that holds such structures; the dump says where it stops. Where CPUs run meanwhile,
 * figures may be torn: each word is some value that it had, and no two need belong together. */
#ifndef TALUS_INSPECT_H
#define TALUS_INSPECT_H

#include <talus/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Gets the dump line by line: `length` characters that end with a newline, not with '\0'. It must
 * not call the heap. */
typedef void (*talus_dump_write)(void *context, const char *text, size_t length);

/* Writes what is known of `heap`, or of every heap where it is NULL: totals; which locks are held;
 * caches (in a kernel by CPU too), reserves, regions; spans and blocks of each size class, as of
 * their owners' last slow exits; large blocks and free runs. `write` NULL: to standard error, in a
 * kernel by talus_port_write. Of names, which lie in the program's memory, those are read that the
 * structure around them vouches for. A list is cut off after 256 entries, all
 * together after 1024, and the count of runs after 2^20, some GiB. errno is kept if `write` keeps
 * it. Context: any, NMI included. Cost: a look at each structure and at the first page of each run;
 * some 1.3 KiB of stack, and what `write` takes. R40. */
TALUS_API void talus_heap_dump(talus_heap *heap, talus_dump_write write, void *context);

#ifdef __cplusplus
}
#endif

#endif
