/* user_process.c: the kernel's library as the heap of the processes of an operating system of one's
 * own. What the heap calls a CPU is a thread here; this one is for POSIX, for want of yours.
 *
 * A thread has a number of its own, and with it the caches of that number: so a pin has nobody to
 * keep away, and malloc and free take no lock. Threads beyond the last number but one share the
 * last, under a lock. The heap's locks are tickets: a waiter must give its processor away, for the
 * holder may have lost his. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <talus/port.h>

#define SHARED (TALUS_CPUS_MAX - 1)

bool user_heap_start(void); /* false: no memory */
void user_thread_ends(void);

static pthread_mutex_t numbers_lock = PTHREAD_MUTEX_INITIALIZER;
static bool            taken[SHARED]; /* numbers_lock */
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;

static _Thread_local unsigned mine;  /* 0: none yet; else the number, and one */
static _Thread_local unsigned depth; /* of pins, with the shared number */

static void take_number(void)
{
    unsigned number = 0;
    pthread_mutex_lock(&numbers_lock);
    while (number < SHARED && taken[number])
        number++;
    if (number < SHARED)
        taken[number] = true;
    pthread_mutex_unlock(&numbers_lock);
    mine = number + 1;
}

unsigned talus_port_pin(void)
{
    if (mine == 0)
        take_number();
    if (mine - 1 == SHARED && depth++ == 0)
        pthread_mutex_lock(&shared_lock);
    return mine - 1;
}

void talus_port_unpin(void)
{
    if (mine - 1 == SHARED && --depth == 0)
        pthread_mutex_unlock(&shared_lock);
}

/* In signal handlers too. */
unsigned talus_port_cpu(void)
{
    return mine != 0 ? mine - 1 : 0;
}

/* The last that a thread does with the heap: its caches are for others now, and so is its number. A
 * thread that ends without it keeps both. */
void user_thread_ends(void)
{
    unsigned number = mine - 1;
    if (mine == 0 || number == SHARED)
        return;
    talus_kernel_cpu_gone(number);
    mine = 0;
    pthread_mutex_lock(&numbers_lock);
    taken[number] = false;
    pthread_mutex_unlock(&numbers_lock);
}

void talus_port_relax(void)
{
    sched_yield();
}

void talus_port_yield(void)
{
    sched_yield();
}

/* Aligned to TALUS_PAGE_SIZE, which is more than the system gives: what is too much goes back. */
void *talus_port_map(size_t bytes)
{
    size_t more = bytes + TALUS_PAGE_SIZE;
    char  *block = mmap(NULL, more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        return NULL;
    size_t before = -(uintptr_t)block & (TALUS_PAGE_SIZE - 1);
    size_t behind = TALUS_PAGE_SIZE - before;
    if (before > 0)
        munmap(block, before);
    munmap(block + before + bytes, behind);
    return block + before;
}

void talus_port_unmap(void *block, size_t bytes)
{
    munmap(block, bytes);
}

uint64_t talus_port_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void talus_port_write(const char *text, size_t length)
{
    if (write(2, text, length) < 0)
        return; /* nobody reads it */
}

void talus_port_panic(const char *line)
{
    talus_port_write(line, __builtin_strlen(line));
    abort();
}

/* Once, before any other call. Blocks of the window's size, modulo which the heap tells addresses
 * apart, are more than it ever gets here; its table takes 512 KiB of the first block. */
bool user_heap_start(void)
{
    size_t bytes = (size_t)2 << 20;
    return talus_kernel_start(&(talus_kernel_options){
        .block = talus_port_map(bytes), .bytes = bytes, .window = (size_t)1 << 30 });
}
