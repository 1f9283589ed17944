#include "apps/weir/job_terminal.h"

#include <fcntl.h>
#include <unistd.h>

namespace weir::app {

JobTerminal::JobTerminal() noexcept : file_(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {}

JobTerminal::~JobTerminal() {
    take_back();
    if (file_ >= 0) {
        close(file_);
    }
}

bool JobTerminal::is_ours() const noexcept {
    return file_ >= 0 && tcgetpgrp(file_) == getpgrp();
}

bool JobTerminal::is_only_for_command() const noexcept {
    return is_ours() && getpgrp() == getpid() && isatty(STDIN_FILENO) != 0 &&
           isatty(STDOUT_FILENO) != 0;
}

void JobTerminal::lend(pid_t group) noexcept {
    lent_ = file_ >= 0 && tcsetpgrp(file_, group) == 0;
}

void JobTerminal::take_back() noexcept {
    if (lent_) {
        tcsetpgrp(file_, getpgrp());
        lent_ = false;
    }
}

}  // namespace weir::app
