/* defaults.c: what lib/host.h says of functions that a kernel leaves out. Weak: its own take their
 * place. */
#include "stress/lib/host.h"

#include "arch/cpu.h"

#define ST_DEFAULT __attribute__((weak))

ST_DEFAULT void st_host_join(struct st_thread *thread)
{
    /* acquire: what the thread did comes first */
    while (atomic_load_explicit(&thread->ended, memory_order_acquire) == 0)
        st_host_yield();
}

ST_DEFAULT void st_host_yield(void)
{
    tl_cpu_relax();
}

ST_DEFAULT void st_host_sleep(void)
{
    st_host_yield();
}

ST_DEFAULT void st_host_enter(struct st_worker *worker)
{
    (void)worker;
}

ST_DEFAULT void st_host_leave(struct st_worker *worker)
{
    (void)worker;
}

ST_DEFAULT struct st_worker *st_host_self(void)
{
    return NULL;
}

ST_DEFAULT void st_host_turn(struct st_worker *worker)
{
    (void)worker;
}

ST_DEFAULT bool st_host_watch(const struct st_team *team)
{
    (void)team;
    return true;
}

ST_DEFAULT bool st_host_at_exit(void (*fn)(void *), void *argument)
{
    (void)fn;
    (void)argument;
    return false;
}

ST_DEFAULT void st_host_idle(struct talus_heap *heap)
{
    (void)heap;
}

ST_DEFAULT void st_host_flush(void)
{
}

ST_DEFAULT void st_host_failing(bool first)
{
    while (!first)
        tl_cpu_relax();
}

ST_DEFAULT void st_host_failed(void)
{
    for (;;)
        tl_cpu_relax();
}

ST_DEFAULT void st_host_handlers_start(void)
{
}

ST_DEFAULT void st_host_handlers_end(void)
{
}

ST_DEFAULT void st_host_handlers_enter(struct st_worker *worker)
{
    (void)worker;
}

ST_DEFAULT void st_host_handlers_leave(struct st_worker *worker)
{
    (void)worker;
}

ST_DEFAULT void st_host_handlers_quiet(void)
{
}

ST_DEFAULT void st_host_handlers_nest(void)
{
}
