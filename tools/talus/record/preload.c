/* preload.c: libtalus-record.so, put in front of a program's malloc by `talus record`.
 * 1 Purpose     Notes every successful call of the malloc family in the raw file (raw.h) and passes
 *               it on to the next malloc in line. free(NULL) and calls that fail are not noted.
 * 2 Own memory  None from malloc: events go into a mapped window of the file. The file is opened
 *               for each window anew, so no descriptor is held that the program could close.
 * 3 Early calls While dlsym looks for the next malloc, what dlsym itself asks for comes from a
 * small array. Before the environment is there, calls are passed on unnoted.
 * 4 Fork        A child is not recorded. A program that the recorded process executes is: it
 *               starts the file anew.
 * 5 Ordering    The ticket counter is relaxed: whoever hands a block on synchronises with whoever
 *               gets it, and so do the two sides of an address's reuse, inside the next malloc; the
 *               counter's own order follows.
 * 6 Locks       `late_lock`, a leaf: of the window that threads share which are past their end, as
 *               they give back what the C library keeps for a thread.
 * 7 Contexts    thread */
#define _GNU_SOURCE
#include "tools/talus/record/raw.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT void *malloc(size_t size);
EXPORT void  free(void *block);
EXPORT void *calloc(size_t count, size_t size);
EXPORT void *realloc(void *block, size_t size);
EXPORT void *reallocarray(void *block, size_t count, size_t size);
EXPORT void *memalign(size_t align, size_t size);
EXPORT void *aligned_alloc(size_t align, size_t size);
EXPORT int   posix_memalign(void **block, size_t align, size_t size);
EXPORT void *valloc(size_t size);
EXPORT void *pvalloc(size_t size);

/* Constant once `state` is READY. */
static struct {
    void *(*malloc)(size_t);
    void (*free)(void *);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*memalign)(size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*valloc)(size_t);
    void *(*pvalloc)(size_t);
} next;

enum { UNKNOWN, LOOKING, READY };
static atomic_int state; /* of `next` */

enum { UNDECIDED, ON, OFF };
static atomic_int    recording;
static char          raw_path[PATH_MAX]; /* constant once `recording` is ON */
static atomic_ullong tickets, raw_end;
static atomic_uint   threads;
static pthread_key_t end_key; /* its destructor sees a thread's end */
static _Atomic(bool) has_key;

/* Where events are put. */
struct writer {
    struct tl_raw_event *window; /* NULL before the first event */
    uint32_t             used;
};

/* Of this thread alone. */
static __thread struct {
    struct writer writer;
    uint32_t      number;
    uint8_t       rounds; /* of destructors that were seen */
    bool          named, inside, ended;
} self;

static struct writer late; /* late_lock */
static atomic_flag   late_lock = ATOMIC_FLAG_INIT;

/* --- the next malloc -------------------------------------------------------------------------- */

static _Alignas(64) char early[65536];
static atomic_size_t early_used;

static bool is_early(const void *block)
{
    return (const char *)block >= early && (const char *)block < early + sizeof early;
}

/* Memory for dlsym; never given back. The size stands 16 bytes before the block. */
static void *early_take(size_t size, size_t align)
{
    if (size > sizeof early || align > 4096)
        return NULL;
    size_t at = atomic_fetch_add(&early_used, size + align + 32);
    if (at + size + align + 32 > sizeof early)
        return NULL;
    size_t start = ((size_t)(early + at) + 16 + align - 1) / align * align - (size_t)early;
    memcpy(early + start - 16, &size, sizeof size);
    return early + start;
}

static void say(const char *text)
{
    ssize_t written = write(2, text, strlen(text));
    (void)written;
}

static void look(void *where, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        say("libtalus-record: no malloc to pass calls on to\n");
        _exit(126);
    }
    memcpy(where, &found, sizeof found);
}

/* Whether `next` can be called; if not, the caller is dlsym. */
static bool is_ready(void)
{
    int now = atomic_load_explicit(&state, memory_order_acquire);
    if (__builtin_expect(now == READY, 1))
        return true;
    now = UNKNOWN;
    if (!atomic_compare_exchange_strong(&state, &now, LOOKING))
        return now == READY;
    look(&next.malloc, "malloc");
    look(&next.free, "free");
    look(&next.calloc, "calloc");
    look(&next.realloc, "realloc");
    look(&next.memalign, "memalign");
    look(&next.aligned_alloc, "aligned_alloc");
    look(&next.posix_memalign, "posix_memalign");
    look(&next.valloc, "valloc");
    look(&next.pvalloc, "pvalloc");
    atomic_store_explicit(&state, READY, memory_order_release);
    return true;
}

/* --- events ----------------------------------------------------------------------------------- */

/* Whether this process is the one to record. */
static bool is_meant(const char *program)
{
    const char *pid = getenv(TL_RECORD_PID);
    char        path[PATH_MAX];
    if (program == NULL)
        return pid != NULL && strtol(pid, NULL, 10) == getpid();
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    const char *slash = strrchr(path, '/');
    return slash != NULL && strcmp(slash + 1, program) == 0;
}

/* Called by the first thread, before there is a second. */
static bool decide(void)
{
    if (environ == NULL)
        return false; /* too early to tell */
    const char *path = getenv(TL_RECORD_FILE), *program = getenv(TL_RECORD_PROGRAM);
    int         answer = OFF;
    if (path != NULL && strlen(path) < sizeof raw_path && is_meant(program)) {
        int flags = O_RDWR | O_CREAT | O_CLOEXEC | (program != NULL ? O_EXCL : O_TRUNC);
        int file = open(path, flags, 0600);
        if (file >= 0) {
            strcpy(raw_path, path);
            close(file);
            answer = ON;
        } else if (program == NULL) {
            say("libtalus-record: the file of the recording cannot be written\n");
        }
    }
    atomic_store(&recording, answer);
    return answer == ON;
}

static bool next_window(struct writer *writer)
{
    uint64_t at = atomic_fetch_add(&raw_end, TL_RAW_WINDOW);
    int      file = open(raw_path, O_RDWR | O_CLOEXEC);
    void    *window = MAP_FAILED;
    if (file >= 0) {
        if (posix_fallocate(file, (off_t)at, TL_RAW_WINDOW) == 0)
            window = mmap(NULL, TL_RAW_WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)at);
        close(file);
    }
    if (writer->window != NULL)
        munmap(writer->window, TL_RAW_WINDOW);
    writer->window = window != MAP_FAILED ? window : NULL;
    if (writer->window == NULL) {
        if (atomic_exchange(&recording, OFF) == ON)
            say("libtalus-record: the recording ends here: its file cannot grow\n");
        return false;
    }
    writer->window[0] = (struct tl_raw_event){ .address = TL_RAW_MAGIC, .op = TL_RAW_HEAD };
    writer->used = 1;
    return true;
}

static uint64_t ticket(void)
{
    return atomic_fetch_add_explicit(&tickets, 1, memory_order_relaxed);
}

static void put(struct writer *writer, const struct tl_raw_event *noted, enum tl_raw_op op)
{
    if (__builtin_expect(writer->window == NULL || writer->used == TL_RAW_EVENTS, 0)) {
        if (!next_window(writer))
            return;
    }
    struct tl_raw_event *event = &writer->window[writer->used++];
    *event = *noted;
    atomic_signal_fence(memory_order_release); /* a window cut off by a kill ends with a whole one
                                                * */
    *(volatile uint16_t *)&event->op = (uint16_t)op;
}

static void take_number(void)
{
    self.number = atomic_fetch_add(&threads, 1);
    self.named = true;
    if (self.number != 0 && atomic_load(&has_key))
        pthread_setspecific(end_key, &self);
}

static void note(enum tl_raw_op op, uint64_t when, const void *block, size_t size, size_t align)
{
    if (__builtin_expect(!self.named, 0))
        take_number();
    struct tl_raw_event event = { .ticket = when,
                                  .address = (uint64_t)(uintptr_t)block,
                                  .size = size,
                                  .thread = self.number,
                                  .align_log2 = align > 1 ? (uint16_t)__builtin_ctzl(align) : 0 };
    if (__builtin_expect(!self.ended, 1)) {
        put(&self.writer, &event, op);
        return;
    }
    while (atomic_flag_test_and_set_explicit(&late_lock, memory_order_acquire))
        sched_yield();
    put(&late, &event, op);
    atomic_flag_clear_explicit(&late_lock, memory_order_release);
}

/* Whether to note the call; then the thread is inside until leave(), and calls from within the
 * next malloc are passed on. Keeps errno for the program. */
static bool enter(int *error)
{
    if (self.inside)
        return false;
    int now = atomic_load_explicit(&recording, memory_order_acquire);
    if (__builtin_expect(now != ON, 0)) {
        if (now == OFF)
            return false;
        self.inside = true;
        *error = errno;
        bool on = decide();
        self.inside = false;
        errno = *error;
        if (!on)
            return false;
    }
    self.inside = true;
    return true;
}

/* Notes a block that was received, unless there is none. Returns it. */
static void *leave(enum tl_raw_op op, void *block, size_t size, size_t align)
{
    int error = errno;
    if (block != NULL)
        note(op, ticket(), block, size, align);
    self.inside = false;
    errno = error;
    return block;
}

/* Destructors of other keys may still free: the end is the last round that there is for sure. */
static void thread_end(void *unused)
{
    if (++self.rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(end_key, unused);
        return;
    }
    if (self.writer.window == NULL || atomic_load(&recording) != ON)
        return;
    self.inside = true;
    note(TL_RAW_THREAD_END, ticket(), NULL, 0, 0);
    if (self.writer.window != NULL)
        munmap(self.writer.window, TL_RAW_WINDOW);
    self.writer.window = NULL;
    self.ended = true;
    self.inside = false;
}

static void forked(void)
{
    atomic_store(&recording, OFF); /* the windows are still the parent's */
}

__attribute__((constructor)) static void start(void)
{
    pthread_atfork(NULL, NULL, forked);
    atomic_store(&has_key, pthread_key_create(&end_key, thread_end) == 0);
}

/* --- the malloc family ------------------------------------------------------------------------ */

void *malloc(size_t size)
{
    int error;
    if (!is_ready())
        return early_take(size, 16);
    if (!enter(&error))
        return next.malloc(size);
    return leave(TL_RAW_MALLOC, next.malloc(size), size, 0);
}

void *calloc(size_t count, size_t size)
{
    int error;
    if (!is_ready())
        return early_take(count * size, 16); /* dlsym asks for few bytes; the array is zero */
    if (!enter(&error))
        return next.calloc(count, size);
    return leave(TL_RAW_CALLOC, next.calloc(count, size), count * size, 0);
}

void free(void *block)
{
    int error;
    if (block == NULL || is_early(block) || !is_ready())
        return;
    if (!enter(&error)) {
        next.free(block);
        return;
    }
    error = errno;
    note(TL_RAW_FREE, ticket(), block, 0, 0);
    errno = error;
    next.free(block);
    self.inside = false;
}

static void *early_move(void *block, size_t size)
{
    size_t old;
    void  *moved = malloc(size);
    memcpy(&old, (char *)block - 16, sizeof old);
    if (moved != NULL)
        memcpy(moved, block, old < size ? old : size);
    return moved;
}

void *realloc(void *block, size_t size)
{
    int error;
    if (block == NULL)
        return malloc(size);
    if (is_early(block))
        return early_move(block, size);
    if (!is_ready() || !enter(&error))
        return next.realloc(block, size);
    uint64_t from = ticket();
    void    *moved = next.realloc(block, size);
    error = errno;
    if (moved != NULL) {
        note(TL_RAW_REALLOC_FROM, from, block, 0, 0);
        note(TL_RAW_REALLOC_TO, ticket(), moved, size, 0);
    } else if (size == 0) {
        note(TL_RAW_FREE, from, block, 0, 0);
    }
    self.inside = false;
    errno = error;
    return moved;
}

void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(block, bytes);
}

void *memalign(size_t align, size_t size)
{
    int error;
    if (!is_ready())
        return early_take(size, align > 16 ? align : 16);
    if (!enter(&error))
        return next.memalign(align, size);
    return leave(TL_RAW_ALIGNED, next.memalign(align, size), size, align);
}

void *aligned_alloc(size_t align, size_t size)
{
    int error;
    if (!is_ready())
        return early_take(size, align > 16 ? align : 16);
    if (!enter(&error))
        return next.aligned_alloc(align, size);
    return leave(TL_RAW_ALIGNED, next.aligned_alloc(align, size), size, align);
}

int posix_memalign(void **block, size_t align, size_t size)
{
    int error;
    if (!is_ready())
        return ENOMEM;
    if (!enter(&error))
        return next.posix_memalign(block, align, size);
    void *taken = NULL;
    int   status = next.posix_memalign(&taken, align, size);
    if (status == 0)
        *block = taken;
    leave(TL_RAW_ALIGNED, status == 0 ? taken : NULL, size, align);
    return status;
}

void *valloc(size_t size)
{
    int error;
    if (!is_ready() || !enter(&error))
        return next.valloc(size);
    return leave(TL_RAW_ALIGNED, next.valloc(size), size, (size_t)sysconf(_SC_PAGESIZE));
}

void *pvalloc(size_t size)
{
    int    error;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (!is_ready() || !enter(&error))
        return next.pvalloc(size);
    return leave(TL_RAW_ALIGNED, next.pvalloc(size), (size + page - 1) / page * page, page);
}
