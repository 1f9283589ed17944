#pragma once

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/loopback.h"

namespace weir::benchmark {

/// Returns whether the program exists, as a file or on the path.
inline bool installed(const std::string& program) {
    if (program.find('/') != program.npos) {
        return access(program.c_str(), X_OK) == 0;
    }
    const char* path = std::getenv("PATH");
    std::istringstream folders(path == nullptr ? "" : path);
    for (std::string folder; std::getline(folders, folder, ':');) {
        if (access((folder + "/" + program).c_str(), X_OK) == 0) {
            return true;
        }
    }
    return false;
}

/// Binds the process, or its child, to one of two processors, so that servers and clients do not
/// migrate. Does nothing on a machine with one processor.
inline void stay_on_processor(int number) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(number, &set);
    sched_setaffinity(0, sizeof set, &set);
}

/// A running program. It is ended when the object is destroyed.
class Child {
public:
    /// Starts the program; wait_for() reads its output and errors. `processor`: see
    /// stay_on_processor; -1: any.
    explicit Child(std::vector<std::string> command, int processor = -1) : program_(command[0]) {
        int ends[2];
        check_call(pipe2(ends, O_CLOEXEC), "pipe");
        std::vector<char*> arguments;
        for (std::string& word : command) {
            arguments.push_back(word.data());
        }
        arguments.push_back(nullptr);
        // Not fork(): it makes this process copy each page at its next write, and later
        // measurements would include that cost.
        pid_ = check_call(vfork(), "vfork");
        if (pid_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (processor >= 0) {
                stay_on_processor(processor);
            }
            dup2(ends[1], STDOUT_FILENO);
            dup2(ends[1], STDERR_FILENO);
            execvp(arguments[0], arguments.data());
            _exit(127);
        }
        close(ends[1]);
        output_ = ends[0];
    }
    ~Child() {
        kill(pid_, SIGTERM);
        waitpid(pid_, nullptr, 0);
        close(output_);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    /// Waits until the program has written `ready`. Returns the rest of the line. Throws
    /// std::runtime_error if the program ends first.
    std::string wait_for(const std::string& ready) {
        std::string text;
        char byte;
        while (read(output_, &byte, 1) == 1) {
            text += byte;
            const auto found = text.find(ready);
            if (found != std::string::npos && byte == '\n') {
                return text.substr(found + ready.size());
            }
        }
        throw std::runtime_error(program_ + " ended: " + text);
    }

    /// Returns the program's processor time in microseconds. Throws std::runtime_error if it has
    /// ended.
    double processor_time() const {
        clockid_t clock{};
        timespec taken{};
        if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &taken) != 0) {
            throw std::runtime_error(program_ + " is gone");
        }
        return static_cast<double>(taken.tv_sec) * 1e6 + static_cast<double>(taken.tv_nsec) / 1e3;
    }

    pid_t pid() const noexcept { return pid_; }

private:
    std::string program_;
    pid_t pid_ = -1;
    int output_ = -1;
};

}  // namespace weir::benchmark
