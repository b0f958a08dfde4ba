/* dlopen.c: a program that knows nothing of talus opens a library of it at run time, locally, among
 * many libraries with thread-local storage, uses it from old and new threads and in a forked child,
 * and closes it while threads that used it live on. D13.
 * Arguments: the library of talus, a copy of tls_filler. */
#include "check.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/wait.h>

enum { FILLERS = 24 };

static void *(*talus_malloc_found)(size_t);
static void *(*talus_realloc_found)(void *, size_t);
static void (*talus_free_found)(void *);
static size_t (*talus_usable_found)(const void *);

typedef int (*touch_function)(int);
static touch_function touches[2 * FILLERS];
static int            touch_count;
static sem_t          go_on, done;

static void touch_all(void)
{
    for (int i = 0; i < touch_count; i++)
        touches[i](i + 1);
    for (int i = 0; i < touch_count; i++)
        CHECK(touches[i](i + 1) == (char)(i + 1));
}

static void copy_file(const char *from, const char *to)
{
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    CHECK(in != NULL && out != NULL);
    char   part[4096];
    size_t got;
    while ((got = fread(part, 1, sizeof part, in)) > 0)
        CHECK(fwrite(part, 1, got, out) == got);
    CHECK(fclose(in) == 0 && fclose(out) == 0);
}

/* Each copy has an inode of its own, so is a library of its own. */
static void open_fillers(const char *filler)
{
    for (int i = 0; i < FILLERS; i++) {
        char name[] = "/tmp/talus-filler-XXXXXX";
        int  file = mkstemp(name);
        CHECK(file >= 0);
        close(file);
        copy_file(filler, name);
        void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
        unlink(name);
        CHECK(library != NULL);
        *(void **)&touches[touch_count] = dlsym(library, "filler_touch");
        CHECK(touches[touch_count] != NULL);
        touch_count++;
    }
}

static void *open_talus(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        fprintf(stderr, "%s\n", dlerror());
    CHECK(library != NULL);
    *(void **)&talus_malloc_found = dlsym(library, "talus_malloc");
    *(void **)&talus_realloc_found = dlsym(library, "talus_realloc");
    *(void **)&talus_free_found = dlsym(library, "talus_free");
    *(void **)&talus_usable_found = dlsym(library, "talus_usable_size");
    CHECK(talus_malloc_found != NULL && talus_realloc_found != NULL);
    CHECK(talus_free_found != NULL && talus_usable_found != NULL);
    return library;
}

static void use_talus(uint32_t seed)
{
    enum { COUNT = 500 };
    unsigned char *blocks[COUNT] = { NULL };
    uint32_t       random = seed;
    for (int step = 0; step < 20 * COUNT; step++) {
        unsigned char **one = &blocks[next_random(&random) % COUNT];
        size_t          size = 1 + next_random(&random) % 3000;
        *one = *one == NULL || step % 3 == 0 ? (talus_free_found(*one), talus_malloc_found(size))
                                             : talus_realloc_found(*one, size);
        CHECK(*one != NULL && talus_usable_found(*one) >= size);
        memset(*one, step, size);
    }
    for (int i = 0; i < COUNT; i++)
        talus_free_found(blocks[i]);
}

/* Began before the library was there; sees it come and go. */
static void *old_thread(void *unused)
{
    for (int phase = 0; phase < 3; phase++) {
        while (sem_wait(&go_on) != 0) {
        }
        touch_all();
        if (phase == 1)
            use_talus(5);
        CHECK(sem_post(&done) == 0);
    }
    return unused;
}

static void let_old_thread_do_one_phase(void)
{
    CHECK(sem_post(&go_on) == 0);
    while (sem_wait(&done) != 0) {
    }
}

static void *new_thread(void *given)
{
    touch_all();
    use_talus(6);
    talus_free_found(given);
    return talus_malloc_found(1000);
}

static void run_new_thread(void)
{
    pthread_t thread;
    void     *result;
    CHECK(pthread_create(&thread, NULL, new_thread, talus_malloc_found(70)) == 0);
    CHECK(pthread_join(thread, &result) == 0);
    CHECK(talus_usable_found(result) >= 1000);
    talus_free_found(result);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    alarm(60);
    CHECK(sem_init(&go_on, 0, 0) == 0 && sem_init(&done, 0, 0) == 0);
    pthread_t old;
    CHECK(pthread_create(&old, NULL, old_thread, NULL) == 0);
    open_fillers(argv[2]);
    touch_all();
    let_old_thread_do_one_phase();

    void *library = open_talus(argv[1]);
    use_talus(1);
    char *block = opaque(malloc(10)); /* opened locally: the program's malloc stays libc's */
    CHECK(talus_usable_found(block) == 0);
    free(block);
    let_old_thread_do_one_phase();
    run_new_thread();

    open_fillers(argv[2]);
    touch_all();
    run_new_thread();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        use_talus(3);
        run_new_thread();
        exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);

    char *kept = talus_malloc_found(100);
    CHECK(kept != NULL);
    strcpy(kept, "kept");
    CHECK(dlclose(library) == 0);
    let_old_thread_do_one_phase();
    CHECK(pthread_join(old, NULL) == 0); /* its caches end after the close */
    CHECK(open_talus(argv[1]) != NULL);
    CHECK(strcmp(kept, "kept") == 0 && talus_usable_found(kept) >= 100);
    talus_free_found(kept);
    use_talus(2);
    return 0;
}
