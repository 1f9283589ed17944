#include "apps/weir/death_watch.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/weir/process_tree.h"

namespace weir::app {

namespace {

// A file that the watch kept open would keep other processes waiting: the reader of a pipe, for its
// end.
void close_others(int kept, int also_kept) noexcept {
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int file = 0; file <= STDERR_FILENO; ++file) {
        dup2(nothing, file);
    }
    DIR* files = opendir("/proc/self/fd");
    if (files == nullptr) {
        return;
    }
    while (const dirent* entry = readdir(files)) {
        const int file = std::atoi(entry->d_name);
        if (file > STDERR_FILENO && file != kept && file != also_kept && file != dirfd(files)) {
            close(file);
        }
    }
    closedir(files);
}

// Kills what its members start in their last moment, too. A process that hangs in the kernel is not
// waited for longer.
void kill_group(pid_t group) {
    constexpr int tries = 200;
    constexpr timespec pause{.tv_sec = 0, .tv_nsec = 10'000'000};
    for (int i = 0; i != tries && kill(-group, SIGKILL) == 0 && group_lives(group); ++i) {
        nanosleep(&pause, nullptr);
    }
}

[[noreturn]] void run_watch(int pipe, int kept_open) noexcept {
    setsid();
    prctl(PR_SET_NAME, "lock-watch");  // not ended by what ends all processes named `weir`
    static_cast<void>(chdir("/") + 0);
    close_others(pipe, kept_open);
    pid_t group = 0;
    for (;;) {
        pid_t told = 0;
        const ssize_t size = read(pipe, &told, sizeof told);
        if (size == sizeof told) {
            group = told;
        } else if (size == 0 || errno != EINTR) {
            break;
        }
    }
    if (group > 1) {
        kill_group(group);
    }
    _exit(0);
}

}  // namespace

DeathWatch::DeathWatch(int kept_open) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw std::system_error(errno, std::generic_category(), "cannot make a pipe");
    }
    process_ = fork();
    const int error = errno;
    if (process_ == 0) {
        close(ends[1]);
        run_watch(ends[0], kept_open);
    }
    close(ends[0]);
    pipe_ = ends[1];
    if (process_ < 0) {
        process_ = 0;
        close(pipe_);
        throw std::system_error(error, std::generic_category(), "cannot start a process");
    }
}

void DeathWatch::watch(pid_t group) const noexcept {
    static_cast<void>(write(pipe_, &group, sizeof group) + 0);
}

void DeathWatch::end() noexcept {
    if (process_ == 0) {
        return;
    }
    // Killed before the pipe is closed, whose end would tell it to kill the group.
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = 0;
    close(pipe_);
}

}  // namespace weir::app
