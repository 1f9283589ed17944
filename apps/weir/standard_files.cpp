#include "apps/weir/standard_files.h"

#include <cassert>
#include <cerrno>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace weir::app {

void open_missing_standard_files() noexcept {
    for (int file = STDIN_FILENO; file <= STDERR_FILENO; ++file) {
        if (fcntl(file, F_GETFD) != -1 || errno != EBADF) {
            continue;
        }
        // open() returns the lowest free number, and all below this one are taken. Without
        // /dev/null, as in an empty root, anything that takes the number serves.
        int opened = open("/dev/null", O_RDWR);
        if (opened < 0) {
            opened = open("/", O_RDONLY | O_DIRECTORY);
        }
        assert(opened == file || opened < 0);
    }
}

unsigned output_width(unsigned otherwise) noexcept {
    winsize size{};
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
    return known ? size.ws_col : otherwise;
}

}  // namespace weir::app
