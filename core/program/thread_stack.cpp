#include "core/program/thread_stack.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string_view>

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <ucontext.h>
#include <unistd.h>
#if __has_include(<backtrace.h>)  // comes with g++, not with clang
#include <backtrace.h>
#endif

#include "core/run/routine.h"
#include "core/run/scheduler.h"

namespace weir {
namespace {

constexpr std::size_t most_lines = 40;

int stack_signal() noexcept {
    return SIGRTMAX - 5;
}

// Where the thread was when the signal came: what the stack has before that is the handler's.
const void* interrupted_at(const void* context) noexcept {
    [[maybe_unused]] const auto& registers = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
    return reinterpret_cast<const void*>(registers.gregs[REG_RIP]);
#elif defined(__aarch64__)
    return reinterpret_cast<const void*>(registers.pc);
#else
    return nullptr;
#endif
}

// A text that a signal handler can copy.
class FixedText {
public:
    void assign(std::string_view text) noexcept {
        size_ = std::min(text.size(), text_.size());
        std::memcpy(text_.data(), text.data(), size_);
    }
    std::string_view view() const noexcept { return {text_.data(), size_}; }

private:
    std::array<char, 256> text_{};
    std::size_t size_ = 0;
};

}  // namespace

// Written by the thread in the handler, and read by the other one after `answered`.
struct ThreadStack::Answer {
    explicit Answer(Scheduler& its_scheduler) noexcept
        : thread(::pthread_self()), scheduler(its_scheduler) {
        ::sem_init(&answered, 0, 0);
    }
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;
    ~Answer() { ::sem_destroy(&answered); }

    void write_down(const void* at) noexcept {
        std::array<void*, 96> all{};
        const int count = ::backtrace(all.data(), static_cast<int>(all.size()));
        const auto end = all.begin() + count;
        const auto begin = std::find(all.begin(), end, const_cast<void*>(at));
        const auto from = begin == end ? all.begin() : begin;
        depth = static_cast<std::size_t>(end - from);
        std::copy(from, end, frames.begin());
        const Routine* const current = scheduler.current();
        runs = current != nullptr;
        if (runs) {
            name.assign(current->name());
            file.assign(current->started_at().file_name());
            line = current->started_at().line();
        }
        ::sem_post(&answered);
    }

    static void handle(int, siginfo_t* info, void* context) noexcept {
        // A signal of another process, or of kill(), has no answer to fill in.
        if (info->si_code == SI_QUEUE && info->si_pid == ::getpid()) {
            const int before = errno;
            static_cast<Answer*>(info->si_value.sival_ptr)->write_down(interrupted_at(context));
            errno = before;
        }
    }

    const pthread_t thread;
    Scheduler& scheduler;
    sem_t answered;
    bool handled = false;  // the handler is installed
    bool asked = false;    // and not answered yet
    std::array<void*, 96> frames{};
    std::size_t depth = 0;
    bool runs = false;
    FixedText name;
    FixedText file;
    std::uint_least32_t line = 0;
};

// --- names of addresses

namespace {

std::string demangled(const char* name) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> text(
        abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
    return text != nullptr ? text.get() : name;
}

std::string_view file_part(std::string_view path) noexcept {
    return path.substr(path.rfind('/') + 1);
}

}  // namespace

std::string library_name(const char* path) {
    constexpr std::string_view in_memory = "/memfd:";
    constexpr std::string_view deleted = " (deleted)";
    std::array<char, 512> link{};
    const ssize_t size = ::readlink(path, link.data(), link.size());
    std::string_view name = path;
    if (size > 0) {
        const std::string_view target(link.data(), static_cast<std::size_t>(size));
        if (target.starts_with(in_memory)) {
            name = target;
            if (name.ends_with(deleted)) {
                name.remove_suffix(deleted.size());
            }
        }
    }
    return std::string(file_part(name));
}

namespace {

// Returns what the dynamic linker knows of the address: its library, and the function if that is
// exported.
std::string in_library(std::uintptr_t address, std::string function) {
    Dl_info info{};
    if (::dladdr(reinterpret_cast<const void*>(address), &info) == 0) {
        return function.empty() ? "no library" : function;
    }
    if (function.empty() && info.dli_sname != nullptr) {
        function = demangled(info.dli_sname);
    }
    char offset[2 + 16 + 1];
    std::snprintf(
        offset, sizeof(offset), "0x%zx",
        static_cast<std::size_t>(address - reinterpret_cast<std::uintptr_t>(info.dli_fbase)));
    return function + (function.empty() ? "" : " ") + "in " + library_name(info.dli_fname) + '+' +
           offset;
}

}  // namespace

// Finds functions and lines in the debug information of the program and its libraries. Reads it
// once for each set of libraries, and never frees it, which libbacktrace cannot. It takes some ten
// megabytes: after a few sets, only the names that libraries export are found.
class ThreadStack::Symbols {
public:
    void add(std::uintptr_t address, std::vector<std::string>& lines) {
        const std::size_t before = lines.size();
#if __has_include(<backtrace.h>)
        use_these_libraries();
        Found found{{}, lines};
        if (state_ != nullptr) {
            ::backtrace_pcinfo(state_, address, note_line, ignore, &found);
        }
        if (state_ != nullptr && lines.size() == before && found.function.empty()) {
            ::backtrace_syminfo(state_, address, note_symbol, ignore, &found);
        }
        const std::string& function = found.function;
#else
        const std::string function;
#endif
        if (lines.size() == before) {
            lines.push_back(in_library(address, function));
        }
    }

private:
#if __has_include(<backtrace.h>)
    struct Found {
        std::string function;  // without a line
        std::vector<std::string>& lines;
    };

    // Called for each function that the compiler has put in line, too.
    static int note_line(void* data, std::uintptr_t, const char* file, int line,
                         const char* function) noexcept {
        auto& found = *static_cast<Found*>(data);
        if (function != nullptr && file == nullptr) {
            found.function = demangled(function);
        } else if (function != nullptr) {
            found.lines.push_back(demangled(function) + " at " + file + ':' + std::to_string(line));
        }
        return 0;
    }
    static void note_symbol(void* data, std::uintptr_t, const char* name, std::uintptr_t,
                            std::uintptr_t) noexcept {
        if (name != nullptr) {
            static_cast<Found*>(data)->function = demangled(name);
        }
    }
    static void ignore(void*, const char*, int) noexcept {}

    void use_these_libraries() {
        unsigned long long changes = 0;
        ::dl_iterate_phdr(
            [](dl_phdr_info* info, std::size_t, void* data) noexcept {
                *static_cast<unsigned long long*>(data) = info->dlpi_adds + info->dlpi_subs;
                return 1;
            },
            &changes);
        if (changes != changes_) {
            changes_ = changes;
            // What is known of other libraries would be wrong where these lie now.
            state_ = nullptr;
            if (sets_ != most_sets) {
                ++sets_;
                state_ = ::backtrace_create_state(nullptr, 1, ignore, nullptr);
            }
        }
    }

    static constexpr int most_sets = 4;

    int sets_ = 0;  // of libraries that it has read
    ::backtrace_state* state_ = nullptr;
    unsigned long long changes_ = 0;
#endif
};

// --- ThreadStack

ThreadStack::ThreadStack(Scheduler& scheduler)
    : answer_(std::make_unique<Answer>(scheduler)), symbols_(std::make_unique<Symbols>()) {
    // The first call loads a library, which no signal handler may.
    std::array<void*, 1> frame{};
    ::backtrace(frame.data(), 1);
    struct sigaction before {};
    ::sigaction(stack_signal(), nullptr, &before);
    if (before.sa_handler != SIG_DFL && before.sa_sigaction != Answer::handle) {
        return;
    }
    struct sigaction action {};
    action.sa_sigaction = Answer::handle;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    answer_->handled = ::sigaction(stack_signal(), &action, nullptr) == 0;
}

// The handler stays: without one, a late signal would end the process.
ThreadStack::~ThreadStack() {
    // A signal that is under way to this thread comes now.
    while (answer_->asked && ::sem_trywait(&answer_->answered) != 0) {
        ::sched_yield();
    }
}

bool ThreadStack::take(std::chrono::milliseconds patience) {
    Answer& answer = *answer_;
    if (!answer.handled) {
        return false;
    }
    // A late answer says where the thread was then.
    if (answer.asked && ::sem_trywait(&answer.answered) == 0) {
        answer.asked = false;
    }
    if (!answer.asked) {
        const sigval to{.sival_ptr = &answer};
        if (::pthread_sigqueue(answer.thread, stack_signal(), to) != 0) {
            return false;
        }
        answer.asked = true;
    }
    timespec until{};
    ::clock_gettime(CLOCK_REALTIME, &until);
    const auto nanoseconds = until.tv_nsec + std::chrono::nanoseconds(patience).count();
    until.tv_sec += nanoseconds / 1'000'000'000;
    until.tv_nsec = nanoseconds % 1'000'000'000;
    while (::sem_timedwait(&answer.answered, &until) != 0) {
        if (errno != EINTR) {
            return false;
        }
    }
    answer.asked = false;
    return true;
}

std::string ThreadStack::routine() const {
    const Answer& answer = *answer_;
    if (!answer.runs) {
        return {};
    }
    return '\'' + std::string(answer.name.view()) + "' started at " +
           std::string(answer.file.view()) + ':' + std::to_string(answer.line);
}

std::vector<std::string> ThreadStack::lines() {
    std::vector<std::string> lines;
    for (std::size_t i = 0; i != answer_->depth && lines.size() < most_lines; ++i) {
        // All but the innermost are addresses behind a call.
        const auto address = reinterpret_cast<std::uintptr_t>(answer_->frames[i]);
        symbols_->add(i == 0 ? address : address - 1, lines);
    }
    return lines;
}

}  // namespace weir
