#include "apps/weir/messages.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir::app {

namespace {

// Standard error is shared with the command and other processes, so it cannot be made non-blocking.
// A pipe or terminal that is opened again can: the new descriptor is only ours. Returns -1 if that
// is not possible.
int opened_again() noexcept {
    struct stat status {};
    if (fstat(STDERR_FILENO, &status) != 0 ||
        !(S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode))) {
        return -1;
    }
    return open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

// As write(2), but fails with EAGAIN instead of waiting.
ssize_t write_without_waiting(const std::string& text) noexcept {
    const ssize_t sent =
        ::send(STDERR_FILENO, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0 || errno != ENOTSOCK) {
        return sent;
    }
    if (const int file = opened_again(); file >= 0) {
        const ssize_t written = write(file, text.data(), text.size());
        const int error = errno;
        close(file);
        errno = error;
        return written;
    }
    pollfd writable{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    if (poll(&writable, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
    }
    // A pipe that is writable has room for so much.
    return write(STDERR_FILENO, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
}

}  // namespace

Messages::Messages() noexcept {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
}

void Messages::say(const std::string& text) {
    kept_ += "weir lock: " + text + '\n';
    write();
}

void Messages::write() noexcept {
    while (!kept_.empty()) {
        const ssize_t written = write_without_waiting(kept_);
        if (written > 0) {
            kept_.erase(0, static_cast<std::size_t>(written));
        } else if (written < 0 && errno == EAGAIN) {
            return;
        } else if (written == 0 || errno != EINTR) {
            kept_.clear();  // it can never be read
        }
    }
}

}  // namespace weir::app
