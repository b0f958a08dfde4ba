/* handlers.c: a kernel whose code calls the heap while it holds a lock that its handlers take too
 * (docs/porting.md, "What may be held"): R32, D8.
 *
 * Thread A is in the heap all the time, and a signal, its interrupt, takes the kernel's lock.
 * Thread B holds that lock, with its own interrupts off, and calls the heap. Where the handler cuts
 * A inside one of the heap's locks, A waits for B and B for A, for ever. Hooks that keep handlers
 * away from the heap's locks save them; with "unhooked" as argument they only pin, and it goes on
 * until it comes to that end. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sync/counter.h"
#include <talus/port.h>

enum { INTERRUPTS = 300, BLOCK_BYTES = 4 << 20, SILENT_SECONDS = 60, LOOKS = 100 };

static _Alignas(TALUS_PAGE_SIZE) char block[BLOCK_BYTES];
static bool              unhooked;
static tl_atomic_u32     next_ticket, serving; /* atomic: the kernel's lock, which is fair */
static struct tl_counter entered, served, rounds;
static struct tl_counter waits; /* of B, for locks of the heap */
static tl_atomic_u32     over;

static _Thread_local unsigned cpu, depth;
static _Thread_local sigset_t before;

static void fail(const char *what)
{
    fprintf(stderr, "handlers: %s\n", what);
    _Exit(1);
}

void talus_port_panic(const char *line)
{
    fail(line);
    abort();
}

unsigned talus_port_pin(void)
{
    return cpu; /* each thread has a CPU to itself */
}

unsigned talus_port_cpu(void)
{
    return cpu;
}

void talus_port_relax(void)
{
    if (cpu == 1)
        tl_counter_add_owner(&waits, 1);
    sched_yield();
}

/* As a kernel saves and masks interrupts. */
static void interrupts_off(sigset_t *saved)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, saved);
}

void talus_port_lock_enter(void)
{
    sigset_t saved;
    if (unhooked)
        return;
    interrupts_off(&saved);
    if (depth++ == 0)
        before = saved;
}

void talus_port_lock_leave(void)
{
    if (!unhooked && --depth == 0)
        pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void lock_kernel(void)
{
    uint32_t mine = tl_add32_relaxed(&next_ticket, 1);
    while (tl_load32_acquire(&serving) != mine) /* pairs with unlock_kernel */
        sched_yield();
}

static void unlock_kernel(void)
{
    tl_store32_release(&serving, tl_load32_relaxed(&serving) + 1);
}

static void interrupt(int number)
{
    (void)number;
    tl_counter_add_shared(&entered, 1);
    lock_kernel();
    unlock_kernel();
    tl_counter_add_shared(&served, 1);
}

/* Large blocks: each takes the pool's lock. */
static void use_heap(void)
{
    void *large = talus_malloc(40 * TALUS_PAGE_SIZE);
    if (large == NULL)
        fail("no memory");
    talus_free(large);
    tl_counter_add_shared(&rounds, 1);
}

static void *thread_a(void *unused)
{
    while (tl_load32_relaxed(&over) == 0) {
        use_heap();
        use_heap(); /* the cache keeps one block */
    }
    return unused;
}

static void *thread_b(void *unused)
{
    sigset_t saved;
    cpu = 1;
    interrupts_off(&saved);
    while (tl_load32_relaxed(&over) == 0) {
        lock_kernel();
        void *one = talus_malloc(40 * TALUS_PAGE_SIZE), *two = talus_malloc(50 * TALUS_PAGE_SIZE);
        talus_free(one);
        talus_free(two);
        unlock_kernel();
    }
    return unused;
}

/* Whether A is in a handler, and was in the same one all the while that B waited for a lock of the
 * heap: only A can hold that, or have its turn, and does not go on before B has let go of the
 * kernel's. So no time decides, and no machine is too slow. */
static bool wait_for_each_other(void)
{
    static uint64_t handler, waited; /* 0: in none; what B had waited by then */
    uint64_t        begun = tl_counter_read(&entered);
    uint64_t        ended = tl_counter_read(&served); /* behind the other, which it never passes */

    if (begun != ended + 1) {
        handler = 0;
        return false;
    }
    if (begun != handler) {
        handler = begun;
        waited = tl_counter_read(&waits);
        return false;
    }
    return tl_counter_read(&waits) >= waited + LOOKS && tl_counter_read(&served) == ended;
}

int main(int count, char **arguments)
{
    unhooked = count > 1 && strcmp(arguments[1], "unhooked") == 0;
    if (!talus_kernel_start(
            &(talus_kernel_options){ .block = block, .bytes = sizeof block, .cpus = 2 }))
        fail("it does not start");
    sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = interrupt }, NULL);
    pthread_t a, b;
    if (pthread_create(&a, NULL, thread_a, NULL) != 0 ||
        pthread_create(&b, NULL, thread_b, NULL) != 0)
        fail("no thread");
    time_t   progress = time(NULL);
    uint64_t last = 0;
    for (uint64_t done; (done = tl_counter_read(&served)) < INTERRUPTS || unhooked;) {
        if (done != last)
            progress = time(NULL);
        if (wait_for_each_other())
            fail("a handler waits for a lock whose holder waits for what the handler interrupted");
        if (time(NULL) - progress > SILENT_SECONDS)
            fail("no interrupts come");
        last = done;
        pthread_kill(a, SIGUSR1);
        usleep(20);
    }
    tl_store32_relaxed(&over, 1);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    printf("handlers: %llu interrupts, %llu rounds\n", (unsigned long long)tl_counter_read(&served),
           (unsigned long long)tl_counter_read(&rounds));
    return 0;
}
