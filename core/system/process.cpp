#include "core/system/process.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/net/socket_stream.h"
#include "core/run/broken_pipes.h"
#include "core/run/poller.h"
#include "core/run/scheduler.h"
#include "core/run/uv_loop.h"
#include "core/wait/timeout.h"

namespace weir {
namespace {

constexpr int standard_files = 3;

void check(int error, const std::string& operation) {
    if (error != 0) {
        throw SystemError(operation, -error);
    }
}

// A descriptor that is none of the standard files' numbers, which the actions below overwrite.
FileDescriptor above_standard(FileDescriptor descriptor, const std::string& operation) {
    if (descriptor.number() >= standard_files) {
        return descriptor;
    }
    FileDescriptor moved(descriptor ? ::fcntl(descriptor.number(), F_DUPFD_CLOEXEC, standard_files)
                                    : -1);
    if (!moved) {
        throw SystemError(operation, -errno);
    }
    return moved;
}

// The system gives one code for a program, its folder and its interpreter alike. Returns which of
// them it is; "" for a code that has nothing to do with files.
std::string why_not_started(int error, const std::string& program, const std::string& folder) {
    constexpr std::array of_files = {ENOENT, EACCES, ENOTDIR, ENOEXEC};
    if (std::ranges::find(of_files, error) == of_files.end()) {
        return "";
    }
    struct stat found {};
    if (!folder.empty() && (::stat(folder.c_str(), &found) != 0 || !S_ISDIR(found.st_mode))) {
        return "there is no folder " + folder;
    }
    if (program.find('/') == std::string::npos) {
        const char* const path = std::getenv("PATH");
        return "no folder of PATH has a program of this name; PATH is " +
               std::string(path == nullptr ? "not set" : path);
    }
    const bool is_relative = program.front() != '/' && !folder.empty();
    const std::string file = is_relative ? folder + '/' + program : program;
    const std::string why = why_not_executable(file);
    return why.empty() ? file + " is there, but is no program, or its interpreter is missing" : why;
}

// The attributes and file actions of posix_spawn.
class SpawnPlan {
public:
    SpawnPlan() {
        check(posix_spawnattr_init(&attributes_), "preparing a process");
        posix_spawn_file_actions_init(&actions_);
        sigset_t signals;
        sigemptyset(&signals);
        posix_spawnattr_setsigmask(&attributes_, &signals);
        sigfillset(&signals);
        posix_spawnattr_setsigdefault(&attributes_, &signals);
        posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;
    ~SpawnPlan() {
        posix_spawn_file_actions_destroy(&actions_);
        posix_spawnattr_destroy(&attributes_);
    }

    // Gives the process the descriptor under the number of a standard file.
    void give(FileDescriptor descriptor, int number, const std::string& operation) {
        given_[static_cast<std::size_t>(number)] = above_standard(std::move(descriptor), operation);
        check(posix_spawn_file_actions_adddup2(
                  &actions_, given_[static_cast<std::size_t>(number)].number(), number),
              operation);
    }

    int start(const std::string& folder, char* const* command, char* const* environment,
              const std::string& operation) {
        check(posix_spawn_file_actions_addclosefrom_np(&actions_, standard_files), operation);
        if (!folder.empty()) {
            check(posix_spawn_file_actions_addchdir_np(&actions_, folder.c_str()), operation);
        }
        pid_t pid = 0;
        if (const int error =
                posix_spawnp(&pid, command[0], &actions_, &attributes_, command, environment);
            error != 0) {
            const std::string why = why_not_started(error, command[0], folder);
            throw SystemError(operation, -error,
                              SystemError::reason(-error) + (why.empty() ? "" : ": " + why));
        }
        return pid;
    }

private:
    posix_spawnattr_t attributes_{};
    posix_spawn_file_actions_t actions_{};
    std::array<FileDescriptor, standard_files> given_;
};

// Returns this program's end of a pipe, or none.
FileDescriptor prepare(SpawnPlan& plan, int number, StandardFile kind,
                       const std::string& operation) {
    const bool input = number == 0;
    if (kind == StandardFile::nothing) {
        const int flags = (input ? O_RDONLY : O_WRONLY) | O_CLOEXEC;
        plan.give(FileDescriptor(::open("/dev/null", flags)), number, operation);
    } else if (kind == StandardFile::piped) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
            throw SystemError(operation, -errno);
        }
        FileDescriptor read(ends[0]);
        FileDescriptor write(ends[1]);
        plan.give(std::move(input ? read : write), number, operation);
        return std::move(input ? write : read);
    }
    return {};
}

std::vector<std::string> environment_of(const ProcessOptions& options) {
    std::vector<std::string> variables;
    if (!options.clear_environment) {
        for (char** variable = environ; *variable != nullptr; ++variable) {
            const std::string_view text = *variable;
            if (!options.environment.contains(std::string(text.substr(0, text.find('='))))) {
                variables.emplace_back(text);
            }
        }
    }
    for (const auto& [name, value] : options.environment) {
        if (value) {
            variables.push_back(name + '=' + *value);
        }
    }
    return variables;
}

// As system calls take it; the texts must outlive it.
std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        result.push_back(text.data());
    }
    result.push_back(nullptr);
    return result;
}

// Waits for a process that was killed, on another thread: one in a system call may take a while.
class Reaper final : public Poller::Work {
public:
    explicit Reaper(int pid) noexcept : pid_(pid) {}

    void run() noexcept override {
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    void done(bool cancelled) noexcept override {
        if (cancelled) {
            run();
        }
        delete this;
    }

private:
    const int pid_;
};

// Leaves no zombie of a process that was killed.
void reap(Poller& poller, int pid) noexcept {
    if (::waitpid(pid, nullptr, WNOHANG) != 0) {
        return;
    }
    std::unique_ptr<Reaper> reaper(new (std::nothrow) Reaper(pid));
    try {
        if (reaper != nullptr) {
            poller.start_work(*reaper);
            [[maybe_unused]] Reaper* const deletes_itself = reaper.release();
            return;
        }
    } catch (const std::bad_alloc&) {
        // Without memory this thread waits.
    }
    Reaper(pid).run();
}

}  // namespace

std::string why_not_executable(const std::string& file) {
    struct stat found {};
    if (::stat(file.c_str(), &found) != 0) {
        return errno == ENOENT ? "there is no file " + file
                               : file + " cannot be looked at: " + SystemError::reason(-errno);
    }
    if (!S_ISREG(found.st_mode)) {
        return file + (S_ISDIR(found.st_mode) ? " is a folder" : " is no regular file");
    }
    return ::access(file.c_str(), X_OK) == 0 ? "" : file + " may not be executed";
}

std::string ProcessExit::text() const {
    if (signal == 0) {
        return "exited with code " + std::to_string(code);
    }
    const char* const name = ::sigdescr_np(signal);
    return "was ended by signal " + std::to_string(signal) + " (" +
           (name != nullptr ? name : "unknown") + ')';
}

Process::Process(Scheduler& scheduler, const ProcessOptions& options)
    : scheduler_(scheduler),
      program_(options.command.empty() ? std::string() : options.command.front()) {
    if (options.command.empty()) {
        throw std::invalid_argument("a process needs a command");
    }
    loop_of(scheduler);  // throws before there is a process to end
    std::string operation = "starting " + options.command.front();
    if (!options.folder.empty()) {
        operation += " in " + options.folder;
    }
    if (options.input == StandardFile::piped) {
        ignore_broken_pipes();
    }
    SpawnPlan plan;
    const std::array<StandardFile, standard_files> kinds = {options.input, options.output,
                                                            options.errors};
    for (int number = 0; number != standard_files; ++number) {
        pipes_[number] = prepare(plan, number, kinds[static_cast<std::size_t>(number)], operation);
    }
    std::vector<std::string> command = options.command;
    std::vector<std::string> environment = environment_of(options);
    pid_ = plan.start(options.folder, pointers(command).data(), pointers(environment).data(),
                      operation);
    try {
        // The C library declares pidfd_open() without C linkage.
        FileDescriptor end(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
        if (!end) {
            throw SystemError(operation, -errno);
        }
        end_.emplace(scheduler, std::move(end));
    } catch (...) {
        send_signal(SIGKILL);
        reap(scheduler.poller(), pid_);
        throw;
    }
}

// The first process stays a zombie until here, so that its number, which is also the group's, names
// no other meanwhile: no signal reaches a stranger.
Process::~Process() {
    send_signal(SIGKILL);
    end_.reset();
    reap(scheduler_.poller(), pid_);
}

void Process::send_signal(int number) noexcept {
    ::kill(-pid_, number);  // fails if all have ended
}

std::optional<ProcessExit> Process::exit() {
    if (!exit_) {
        siginfo_t info{};
        const int result =
            ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
        if (result != 0) {
            throw SystemError("waiting for process " + std::to_string(pid_), -errno);
        }
        if (info.si_pid != 0) {
            exit_ = info.si_code == CLD_EXITED ? ProcessExit{.code = info.si_status}
                                               : ProcessExit{.signal = info.si_status};
        }
    }
    return exit_;
}

ByteStream::Owner Process::stream(int number, const StreamOptions& options) {
    constexpr std::array<const char*, standard_files> names = {"input", "output", "errors"};
    const std::string name =
        std::string(names[static_cast<std::size_t>(number)]) + " of " + program_;
    if (!pipes_[number]) {
        throw std::logic_error("the " + name + " is no pipe, or was taken before");
    }
    return ByteStream::Owner(
        SocketStream::adopt_pipe(scheduler_, pipes_[number].release(), name, options).release());
}

const MatcherOf<DescriptorEvent>& Process::ended() {
    end_->arm(Readiness::readable);
    return end_->matcher(Readiness::readable);
}

Task<ProcessExit> Process::wait() {
    while (!exit()) {
        co_await end_->readable();
    }
    co_return *exit_;
}

Task<ProcessExit> Process::stop(Duration patience) {
    send_signal(SIGTERM);
    if (const auto ended = co_await execute_with_timeout(patience, wait())) {
        co_return *ended;
    }
    send_signal(SIGKILL);
    co_return co_await wait();
}

}  // namespace weir
