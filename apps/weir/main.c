// The program `weir`. It needs only the C library, so that the dynamic linker starts it within a
// millisecond. `weir run` then holds back signals; the libraries that do the work are loaded after
// that, which takes several times as long.

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "apps/weir/early_signals.h"

int main(int count, char** arguments) {
    if (count > 1 && strcmp(arguments[1], "run") == 0) {
        weir_hold_early_signals();
    }
    // Global, because plugins use the libraries that come with it.
    void* library = dlopen(WEIR_COMMANDS, RTLD_LAZY | RTLD_GLOBAL);
    void* symbol = library == NULL ? NULL : dlsym(library, "weir_main");
    if (symbol == NULL) {
        fprintf(stderr, "weir: %s\n", dlerror());
        return 1;
    }
    int (*weir_main)(int, char**);
    memcpy(&weir_main, &symbol, sizeof symbol);  // ISO C knows no conversion to a function
    return weir_main(count, arguments);
}
