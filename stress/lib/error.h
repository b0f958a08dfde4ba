/* error.h: what a heap says beside its result: errno, in a process. A kernel's heap says nothing,
 * and whatever is asked here about it is true. */
#ifndef STRESS_LIB_ERROR_H
#define STRESS_LIB_ERROR_H

#include <stdbool.h>

#if __STDC_HOSTED__
#include <errno.h>

/* Before a call. */
static inline void st_error_mark(void)
{
    errno = EDOM;
}

/* Behind it; 0: as it was marked. */
static inline int st_error_get(void)
{
    return errno == EDOM ? 0 : errno;
}

static inline bool st_error_is_no_memory(int error)
{
    return error == ENOMEM;
}
#else
static inline void st_error_mark(void)
{
}

static inline int st_error_get(void)
{
    return 0;
}

static inline bool st_error_is_no_memory(int error)
{
    return error == 0;
}
#endif

#endif
