/* plugin_host.c: a C program, to which the C++ library comes only with a plugin and for the plugin
 * alone: operator new of the plugin is talus's, and its failure is still a C++ exception. D13.
 * Argument: the plugin. */
#include "check.h"

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    check_talus_in_force();
    CHECK(dlsym(RTLD_DEFAULT, "_ZSt17__throw_bad_allocv") == NULL);
    void *plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    CHECK(plugin != NULL);
    int (*works)(void);
    int (*catches)(size_t);
    int (*handler_is_called)(size_t);
    *(void **)&works = dlsym(plugin, "plugin_works");
    *(void **)&catches = dlsym(plugin, "plugin_catches_bad_alloc");
    *(void **)&handler_is_called = dlsym(plugin, "plugin_handler_is_called");
    CHECK(works != NULL && catches != NULL && handler_is_called != NULL);
    CHECK(works() == 1);
    CHECK(catches((size_t)PTRDIFF_MAX / 2) == 1);
    CHECK(handler_is_called((size_t)PTRDIFF_MAX / 2) == 1);
    CHECK(works() == 1);
    CHECK(dlclose(plugin) == 0);
    return 0;
}
