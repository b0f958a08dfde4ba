/* process.c: threads, fork, exit, time and text from Linux and its C library (contract:
 * arch/port.h). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "arch/port.h"

/* ---- end of a thread ---- */

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t  key; /* written under key_once */
static bool
    key_made; /* written under key_once; false: the process has no keys left, and dying threads
               * leave their caches */

static void thread_ends(void *value)
{
    (void)value;
    tl_thread_exit();
}

static void make_key(void)
{
    key_made = pthread_key_create(&key, thread_ends) == 0;
}

void tl_port_at_thread_exit(void)
{
    int saved = errno;

    pthread_once(&key_once, make_key);
    if (key_made)
        pthread_setspecific(key, &key_made); /* any value but NULL: the destructor runs */
    errno = saved;
}

/* ---- where a call runs ---- */

#define STACK_SHIFT 18 /* stacks lie further apart, but for small ones, and calls on one closer */

/* Thread-local storage would do, too, but may not be there yet when a signal comes. */
uintptr_t tl_port_place(void)
{
    return (uintptr_t)__builtin_frame_address(0) >> STACK_SHIFT;
}

/* ---- a thread of the heap's own ---- */

/* Enough for the functions that the program wants called at exit: after its last own thread this
 * one may be who calls them. */
#define OWN_STACK_BYTES ((size_t)256 * 1024)

static struct {
    const char *name;
    void (*fn)(void);
    sigset_t signals; /* blocked in the thread that started it */
} own_thread;         /* written once, before the thread is there */

static void *run_own_thread(void *unused)
{
    (void)unused;
    pthread_setname_np(pthread_self(), own_thread.name);
    own_thread.fn();
    pthread_sigmask(SIG_SETMASK, &own_thread.signals, NULL);
    return NULL;
}

bool tl_port_start_thread(const char *name, void (*fn)(void))
{
    int            saved = errno;
    pthread_attr_t attributes;
    sigset_t       all;
    pthread_t      thread;
    bool           started = false;

    own_thread.name = name;
    own_thread.fn = fn;
    if (pthread_attr_init(&attributes) == 0) {
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &own_thread.signals); /* the new thread inherits it */
        /* The stack holds the program's thread-local variables, too, which may be too large. */
        started = (pthread_attr_setstacksize(&attributes, OWN_STACK_BYTES) == 0 &&
                   pthread_create(&thread, &attributes, run_own_thread, NULL) == 0);
        pthread_attr_destroy(&attributes);
        if (!started && pthread_create(&thread, NULL, run_own_thread, NULL) == 0) {
            pthread_detach(thread);
            started = true;
        }
        pthread_sigmask(SIG_SETMASK, &own_thread.signals, NULL);
    }
    errno = saved;
    return started;
}

/* Without a file descriptor: a program may count on the next number that it gets. The folder's
 * links are its two own and one for each thread, the ended first one included; a process whose
 * first thread has ended shows no program. */
bool tl_port_first_thread_ended(unsigned *others)
{
    int         saved = errno;
    struct stat threads;
    char        path[1];
    bool        ended = stat("/proc/self/task", &threads) == 0 && threads.st_nlink >= 4 &&
                 readlink("/proc/self/exe", path, sizeof(path)) < 0 && errno == ENOENT;

    if (ended)
        *others = (unsigned)threads.st_nlink - 4;
    errno = saved;
    return ended;
}

/* ---- fork, end of the process ---- */

void tl_port_fork_handlers(void)
{
    int saved = errno;

    pthread_atfork(tl_fork_prepare, tl_fork_parent, tl_fork_child);
    errno = saved;
}

void tl_port_at_process_exit(void (*fn)(void))
{
    int saved = errno;

    atexit(fn);
    errno = saved;
}

/* ---- time, text, abort ---- */

uint64_t tl_port_now_ms(void)
{
    struct timespec now = { 0, 0 };

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

void tl_port_write_error(const char *text, size_t length)
{
    int saved = errno;

    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, text, length);
        if (written < 0 && errno != EINTR)
            break;
        if (written > 0) {
            text += written;
            length -= (size_t)written;
        }
    }
    errno = saved;
}

TL_NORETURN void tl_port_panic(const char *line)
{
    struct iovec parts[] = { { (void *)(uintptr_t)line, strlen(line) }, { (void *)"\n", 1 } };

    ssize_t written = writev(STDERR_FILENO, parts, 2); /* one call, one line */

    (void)written;
    abort();
}

static const char option_name[] = "TALUS_OPTIONS=";

#if defined(__GLIBC__)
static char **start_environment; /* written once, by a constructor */

/* glibc calls constructors with main's arguments. The drop-in library's run first of all, when
 * `environ` is not set yet; this one is the first of them. */
__attribute__((constructor(101))) static void keep_environment(int count, char **arguments,
                                                               char **environment)
{
    (void)count;
    (void)arguments;
    start_environment = environment;
}

static const char *option_text_at_start(void)
{
    for (char **variable = start_environment; *variable != NULL; variable++)
        if (strncmp(*variable, option_name, sizeof(option_name) - 1) == 0)
            return *variable + sizeof(option_name) - 1;
    return NULL;
}
#else
#define start_environment      ((char **)NULL)
#define option_text_at_start() ((const char *)NULL)
#endif

/* The value of TALUS_OPTIONS as the kernel handed it over, or NULL; cut off at the buffer's size.
 * */
static const char *option_text_of_kernel(char *value, size_t size)
{
    char    part[256];
    size_t  at = 0;        /* place in the variable being read */
    size_t  length = 0;    /* of the value */
    bool    ours = true;   /* all of the name so far agrees */
    bool    found = false; /* the variable has ended, or the value is full */
    ssize_t got = 0;
    int     file = open("/proc/self/environ", O_RDONLY | O_CLOEXEC);

    while (file >= 0 && !found && (got = read(file, part, sizeof(part))) > 0) {
        for (ssize_t i = 0; i < got && !found; i++) {
            if (part[i] == '\0') {
                found = ours && at >= sizeof(option_name) - 1;
                at = 0;
                ours = true;
                continue;
            }
            if (at < sizeof(option_name) - 1)
                ours = ours && part[i] == option_name[at];
            else if (ours)
                value[length++] = part[i];
            at++;
            found = length == size - 1;
        }
    }
    value[length] = '\0';
    if (file >= 0)
        close(file);
    return found ? value : NULL;
}

/* A preinit function may call malloc before the C library has its environment. */
const char *tl_port_option_text(char *buffer, size_t size)
{
    int         saved = errno;
    const char *text;

    if (environ != NULL)
        text = secure_getenv("TALUS_OPTIONS");
    else if (getauxval(AT_SECURE) != 0)
        text = NULL;
    else if (start_environment != NULL)
        text = option_text_at_start();
    else
        text = option_text_of_kernel(buffer, size);
    errno = saved;
    return text;
}

bool tl_port_write_file(const char *path, const char *text, size_t length)
{
    int  saved = errno;
    int  file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool written = file >= 0;

    while (written && length > 0) {
        ssize_t n = write(file, text, length);
        if (n < 0 && errno != EINTR)
            written = false;
        else if (n > 0) {
            text += n;
            length -= (size_t)n;
        }
    }
    if (file >= 0 && close(file) != 0)
        written = false;
    errno = saved;
    return written;
}

/* ---- errors ---- */

void *tl_port_fail(enum tl_error why)
{
    errno = why == TL_ERROR_MEMORY ? ENOMEM : EINVAL;
    return NULL;
}

int tl_port_errno(void)
{
    return errno;
}

void tl_port_set_errno(int value)
{
    errno = value;
}
