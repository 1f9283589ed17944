#include "core/program/watchdog.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <utility>

#include <pthread.h>
#include <uv.h>

#include "core/run/uv_poller.h"

namespace weir {
namespace {

// How long the loop's thread may take to write down its stack.
constexpr std::chrono::milliseconds stack_patience{2000};

Time watchdog_now() noexcept {
    return Time(Duration(uv_hrtime()));  // as UvPoller::now()
}

std::string in_seconds(Duration duration) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.1f s", std::chrono::duration<double>(duration).count());
    return text;
}

}  // namespace

Watchdog::Watchdog(const UvPoller& poller, Scheduler& scheduler, WatchdogOptions options)
    : poller_(poller), options_(std::move(options)), stack_(scheduler) {
    // Signals are for the loop's thread.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { watch(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Watchdog::~Watchdog() {
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
    }
    end_.notify_all();
    thread_.join();
}

void Watchdog::watch() {
    Time reported{};  // when the last round that was reported began
    Time next_sign = watchdog_now();
    const Duration step = std::min(options_.limit, options_.alive_every.value_or(options_.limit));
    std::unique_lock lock(mutex_);
    while (!ended_) {
        const Time time = watchdog_now();
        const Time since = poller_.busy_since();
        const bool works = since != Time{};
        const bool stuck = works && time - since > options_.limit;
        if (stuck && since != reported && options_.report) {
            reported = since;
            lock.unlock();
            report(time - since);
            lock.lock();
            continue;
        }
        if (!stuck && options_.alive && time >= next_sign) {
            options_.alive();
            next_sign = time + *options_.alive_every;
        }
        // A round that has begun meanwhile cannot be stuck before the limit from now.
        const Time due = works && !stuck ? since + options_.limit : time + options_.limit;
        end_.wait_for(lock, std::min(due - time + std::chrono::milliseconds(1), step));
    }
}

void Watchdog::report(Duration stuck_for) {
    std::string text = "the loop has been stuck for " + in_seconds(stuck_for);
    if (!stack_.take(stack_patience)) {
        options_.report(text +
                        "; its thread does not answer: it waits in the kernel, as for a disk");
        return;
    }
    const std::string routine = stack_.routine();
    text += routine.empty() ? ", in no routine, at" : " in routine " + routine + ", at";
    for (const std::string& line : stack_.lines()) {
        text += "\n" + line;
    }
    options_.report(text);
}

}  // namespace weir
