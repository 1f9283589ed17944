#include "modules/testing/kills.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <list>
#include <map>
#include <random>
#include <stdexcept>
#include <utility>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weir {

namespace {

// The system calls themselves, since the names of the C library's functions lead here.
ssize_t write_at(int file, std::string_view bytes, off_t offset) noexcept {
    return ::syscall(SYS_pwrite64, file, bytes.data(), bytes.size(), offset);
}
int set_size(int file, off_t size) noexcept {
    return static_cast<int>(::syscall(SYS_ftruncate, file, size));
}

// The files of a process that is to be killed, and what was done to them since their last sync.
class Doom {
public:
    Doom(std::uint64_t nth, Kill how) noexcept : left_(nth), how_(how), chance_(nth) {}

    void at_write(int descriptor, std::string_view bytes, off_t offset) {
        struct stat status {};
        if (!is_file(descriptor, status)) {
            return;
        }
        const bool is_last = counts();
        if (is_last && how_ == Kill::halfway) {
            write_at(descriptor, bytes.substr(0, bytes.size() / 2), offset);
        }
        if (how_ == Kill::power_loss) {
            keep(descriptor, status, offset, bytes.size());
            changes_.back().bytes = bytes;
        }
        if (is_last) {
            end();
        }
    }

    void at_truncation(int descriptor, off_t size) {
        struct stat status {};
        if (!is_file(descriptor, status)) {
            return;
        }
        if (how_ == Kill::power_loss) {
            keep(descriptor, status, size,
                 static_cast<std::size_t>(std::max<off_t>(status.st_size - size, 0)));
            changes_.back().truncates = true;
        }
        if (counts()) {
            end();
        }
    }

    void at_sync(int descriptor) {
        struct stat status {};
        if (!is_file(descriptor, status)) {
            return;
        }
        if (counts()) {
            end();
        }
        if (how_ == Kill::power_loss) {
            const int synced = duplicate(descriptor, status);
            std::erase_if(changes_,
                          [synced](const Change& change) { return change.file == synced; });
        }
    }

    void at_change_of_names() {
        if (counts()) {
            end();
        }
    }

private:
    // A write that was not synced, or a truncation.
    struct Change {
        int file = -1;
        off_t offset = 0;
        off_t size_before = 0;
        std::string before;  // what was there
        std::string bytes;
        bool truncates = false;
    };

    static bool is_file(int descriptor, struct stat& status) noexcept {
        return ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
    }
    // Returns whether this call is the last one.
    bool counts() noexcept { return --left_ == 0; }

    // Returns a descriptor that stays open, the same for each descriptor of the file.
    int duplicate(int descriptor, const struct stat& status) {
        const auto [known, is_new] = files_.try_emplace({status.st_dev, status.st_ino}, -1);
        if (is_new) {
            known->second = ::dup(descriptor);
        }
        return known->second;
    }

    // Notes what a change of `count` bytes at the offset replaces.
    void keep(int descriptor, const struct stat& status, off_t offset, std::size_t count) {
        Change& change = changes_.emplace_back();
        change.file = duplicate(descriptor, status);
        change.offset = offset;
        change.size_before = status.st_size;
        change.before.resize(count);
        const ssize_t read = ::pread(change.file, change.before.data(), count, offset);
        change.before.resize(static_cast<std::size_t>(std::max<ssize_t>(read, 0)));
    }

    // Undoes all that was not synced, and does a part of it again, in order.
    void lose() {
        for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
            write_at(change->file, change->before, change->offset);
            set_size(change->file, change->size_before);
        }
        for (const Change& change : changes_) {
            const auto kept = chance_() % 3;  // nothing, half, all
            if (change.truncates && kept != 0) {
                set_size(change.file, change.offset);
            } else if (!change.truncates) {
                const std::string_view bytes(change.bytes);
                write_at(change.file, bytes.substr(0, bytes.size() * kept / 2), change.offset);
            }
        }
    }

    [[noreturn]] void end() {
        lose();
        ::kill(::getpid(), SIGKILL);
        std::abort();  // not reached
    }

    std::uint64_t left_;
    const Kill how_;
    std::minstd_rand chance_;
    std::map<std::pair<dev_t, ino_t>, int> files_;
    std::list<Change> changes_;
};

constinit thread_local Doom* doom = nullptr;

[[noreturn]] void run_child(int reports, std::uint64_t nth, Kill how,
                            const std::function<void(const Report&)>& work) {
    const Report report = [reports](std::string_view text) {
        ::send(reports, text.data(), text.size(), 0);
    };
    int result = EXIT_SUCCESS;
    try {
        Doom own(nth, how);
        doom = &own;
        work(report);
        doom = nullptr;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "a run until killed: %s\n", error.what());
        result = EXIT_FAILURE;
    }
    ::_exit(result);
}

}  // namespace

bool KillAtWrite::is_armed() noexcept {
    return doom != nullptr;
}
void KillAtWrite::at_write(int descriptor, std::string_view bytes, std::int64_t offset) noexcept {
    if (doom != nullptr) {
        doom->at_write(descriptor, bytes, offset);
    }
}
void KillAtWrite::at_truncation(int descriptor, std::int64_t size) noexcept {
    if (doom != nullptr) {
        doom->at_truncation(descriptor, size);
    }
}
void KillAtWrite::at_sync(int descriptor) noexcept {
    if (doom != nullptr) {
        doom->at_sync(descriptor);
    }
}
void KillAtWrite::at_change_of_names() noexcept {
    if (doom != nullptr) {
        doom->at_change_of_names();
    }
}

KilledRun run_until_killed(std::uint64_t nth, Kill how,
                           const std::function<void(const Report&)>& work) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        throw std::runtime_error("no socket for a run until killed");
    }
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        run_child(ends[1], nth, how, work);
    }
    ::close(ends[1]);
    KilledRun run;
    char text[4096];
    for (ssize_t size = 0; (size = ::recv(ends[0], text, sizeof text, 0)) != 0;) {
        if (size > 0) {
            run.reports.emplace_back(text, static_cast<std::size_t>(size));
        } else if (errno != EINTR) {
            break;
        }
    }
    ::close(ends[0]);
    int status = 0;
    while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    run.killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (child < 0 || (!run.killed && status != 0)) {
        throw std::runtime_error("a run until killed has ended with the status " +
                                 std::to_string(status));
    }
    return run;
}

}  // namespace weir
