#include "modules/system/server/plugin_trial.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string>

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "modules/system/module/plugin.h"
#include "modules/system/server/load_error.h"

namespace weir {

namespace {

// A child that takes longer waits for something that does not come, such as a lock that another
// thread of this process holds.
constexpr std::chrono::seconds limit{10};

constexpr char opened = 'o';

// In the child. It ends without what exit() does: that is for this process to do.
[[noreturn]] void open_and_end(const std::string& file, const std::string& entry_name,
                               int report) noexcept {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const rlimit no_core{};
    setrlimit(RLIMIT_CORE, &no_core);
    // Handlers of this process would write into pipes that the child shares with it: all signals
    // stay blocked but those that say that the library is at fault.
    sigset_t faults;
    sigemptyset(&faults);
    for (const int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS}) {
        std::signal(fault, SIG_DFL);
        sigaddset(&faults, fault);
    }
    pthread_sigmask(SIG_UNBLOCK, &faults, nullptr);
    report = fcntl(report, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);  // where nothing takes its place
    const int nowhere = open("/dev/null", O_RDWR);
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        dup2(nowhere, standard);
    }
    if (void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) {
        if (void* const entry = dlsym(library, entry_name.c_str())) {
            const PluginTable* table = reinterpret_cast<const PluginTable* (*)()>(entry)();
            try {
                if (abi_difference(*table).empty()) {
                    table->module_class();
                }
            } catch (...) {
                // An error that this process can report.
            }
        }
    }
    [[maybe_unused]] const ssize_t written = write(report, &opened, 1);
    _exit(0);
}

// Blocks all signals for a while: the child gets none before its handlers are set.
class SignalsBlocked {
public:
    SignalsBlocked() noexcept {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_;
};

// Waits for the child's report, or for its end: then the pipe is closed. Whether it reported.
bool wait_for_report(int report, bool& late) noexcept {
    const auto end = std::chrono::steady_clock::now() + limit;
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            end - std::chrono::steady_clock::now());
        pollfd waiting{report, POLLIN, 0};
        const int ready =
            poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready == 0) {
            late = true;
            return false;
        }
        char byte = 0;
        return read(report, &byte, 1) == 1 && byte == opened;
    }
}

}  // namespace

std::string try_plugin(const std::string& file, const std::string& name) {
    const std::string entry_name = plugin_entry_name(name);
    std::array<int, 2> report{};
    if (pipe2(report.data(), O_CLOEXEC) != 0) {
        throw PluginError("cannot try " + file + ": " + std::strerror(errno));
    }
    pid_t child = 0;
    {
        const SignalsBlocked blocked;
        child = fork();
        if (child == 0) {
            open_and_end(file, entry_name, report[1]);
        }
    }
    const int error = errno;
    close(report[1]);
    if (child < 0) {
        close(report[0]);
        throw PluginError("cannot try " + file + " in a child process: " + std::strerror(error));
    }
    bool late = false;
    const bool reported = wait_for_report(report[0], late);
    close(report[0]);
    if (late) {
        kill(child, SIGKILL);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (reported) {
        return {};
    }
    if (late) {
        return "did not end within " + std::to_string(limit.count()) + "s";
    }
    if (WIFSIGNALED(status)) {
        const char* signal = sigabbrev_np(WTERMSIG(status));
        return "was ended by SIG" + std::string(signal == nullptr ? "?" : signal);
    }
    return "ended itself with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace weir
