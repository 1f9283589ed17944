// What main.c calls when the libraries are loaded.

#include <cstdio>
#include <exception>

#include "apps/weir/command_line.h"
#include "apps/weir/exit_code.h"
#include "apps/weir/standard_files.h"

extern "C" int weir_main(int argc, char** argv) {
    weir::app::open_missing_standard_files();
    try {
        return weir::app::run_command_line(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "weir: %s\n", error.what());
        return weir::app::failure;
    }
}
