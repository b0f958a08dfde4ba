/* symbol.c: finding a function in a library that may have come by dlopen (contract: arch/port.h).
 * A file of its own: static programs, which have no such libraries, are not linked to it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>

#include "arch/port.h"

void *tl_port_symbol(void *caller, const char *name)
{
    int     saved = errno;
    void   *found = dlsym(RTLD_DEFAULT, name);
    Dl_info info;

    if (found == NULL && dladdr(caller, &info) != 0) {
        void *library = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
        if (library != NULL) {
            found = dlsym(library, name);
            dlclose(library); /* the caller runs in it: it stays */
        }
    }
    errno = saved;
    return found;
}
