#include "apps/weir/guarded_command.h"

#include <algorithm>
#include <array>
#include <csignal>

#include <poll.h>
#include <unistd.h>

#include "apps/weir/exit_code.h"
#include "config/text/quoted.h"

namespace weir::app {

namespace {

using Clock = RespClient::Clock;

// Between two questions: a server that hangs is noticed only when it is asked, and routers forget
// connections on which nothing is sent.
constexpr Clock::duration longest_interval = std::chrono::seconds(10);

// Between two looks whether the lock is still certain: after the machine has slept, a longer wait
// would go on for what was left of it.
constexpr Clock::duration longest_look = std::chrono::seconds(1);

// After SIGKILL: what a killed process started in its last moment is looked for again.
constexpr std::chrono::milliseconds kill_interval{50};
constexpr int most_kills = 60;

Clock::duration duration_of(double seconds) {
    return std::chrono::ceil<Clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

GuardedCommand::GuardedCommand(RespClient& client, const LockCommand& lock, LockValidity& validity,
                               Messages& messages)
    : client_(client),
      lock_(lock),
      validity_(validity),
      messages_(messages),
      child_(lock.command, client.socket()),
      patience_(client.limit()) {}

int GuardedCommand::run() {
    for (;;) {
        child_.handle_signals();
        messages_.write();
        if (child_.has_ended() || gave_up_) {
            break;
        }
        if (!lost_) {
            watch_server();
        } else {
            end_by_force();
        }
        wait();
    }
    return lost_ && !lock_.only_warn ? lock_failed : child_.exit_code();
}

// Between two questions to the server: three of them fit in the time for which the lock is certain.
Clock::duration GuardedCommand::interval() const {
    const Clock::duration usual = std::min(longest_interval, client_.limit());
    const auto left = validity_.left();
    return left ? std::min<Clock::duration>(usual, *left / 3) : usual;
}

// Waits until there is something to do.
void GuardedCommand::wait() {
    const Clock::time_point now = Clock::now();
    Clock::duration time = longest_interval;
    if (!lost_) {
        time = std::min(time, asked_ ? patience_.next_look() : next_question_ - now);
        if (const auto left = validity_.left()) {
            time = std::min<Clock::duration>({time, *left, longest_look});
        }
    } else if (next_kill_) {
        time = std::min(time, *next_kill_ - now);
    }
    std::array<pollfd, 3> files{
        pollfd{.fd = child_.signals(), .events = POLLIN, .revents = 0},
        pollfd{.fd = lost_ ? -1 : client_.socket(), .events = POLLIN, .revents = 0},
        pollfd{.fd = messages_.pending() ? STDERR_FILENO : -1, .events = POLLOUT, .revents = 0}};
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(time);
    poll(files.data(), files.size(), static_cast<int>(std::max(milliseconds.count(), 0L)));
}

// A server that does not answer is as good as gone: it is asked now and then. What has arrived is
// read before its silence is judged.
//
// Pauses of this process count in the time for which the lock is certain, and not in the time for
// an answer: the servers that decide may have given the lock to another client meanwhile.
void GuardedCommand::watch_server() {
    try {
        const Clock::time_point now = Clock::now();
        for (const Reply& answer : client_.receive()) {
            if (!validity_.answered(answer)) {
                throw ConnectionError("the server does not hold it any more");
            }
            asked_ = false;
            next_question_ = now + interval();
        }
        if (validity_.left() == std::chrono::nanoseconds::zero()) {
            throw ConnectionError(
                "the server has not confirmed it in time: another client may hold it");
        }
        if (asked_ && patience_.look(now)) {
            throw ConnectionError("the server does not answer");
        }
        if (!asked_ && next_question_ <= now) {
            client_.send(validity_.ask());
            asked_ = true;
            patience_.begin(now, client_.limit());
        }
    } catch (const ConnectionError& error) {
        lose(error.what());
    }
}

// Ends the command before anything else: saying so can fail.
void GuardedCommand::lose(const std::string& why) {
    lost_ = true;
    if (!lock_.only_warn) {
        child_.end(SIGTERM);
        next_kill_ = Clock::now() + duration_of(lock_.kill_after);
    }
    messages_.say("the lock '" + config::printable(lock_.key, 200) + "' is lost: " + why +
                  (lock_.only_warn ? "; the command goes on" : "; ending the command"));
}

void GuardedCommand::end_by_force() {
    if (!next_kill_ || Clock::now() < *next_kill_) {
        return;
    }
    child_.end(SIGKILL);
    next_kill_ = Clock::now() + kill_interval;
    if (++kills_ == 1) {
        messages_.say("the command did not end, and is killed");
    }
    if (kills_ == most_kills) {
        messages_.say("some processes of the command cannot be killed");
        gave_up_ = true;
    }
}

}  // namespace weir::app
