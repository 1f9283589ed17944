// W11: the baseline. Opens the plugins in the folder, and does nothing with them.
//
//     bare_startup FOLDER COUNT

#include <cstdio>
#include <cstdlib>
#include <string>

#include <dlfcn.h>
#include <unistd.h>

int main(int, char** argv) {
    const int count = std::atoi(argv[2]);
    for (int i = 1; i <= count; ++i) {
        const std::string file = argv[1] + std::string("/idle") + std::to_string(i) + ".so";
        if (dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
            std::fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
    }
    std::printf("idle%d is loaded\n", count);
    std::fflush(stdout);
    pause();
}
