#include "apps/weir/lock_command.h"

#include <cassert>
#include <csignal>
#include <cstdlib>
#include <functional>

#include <unistd.h>

#include "apps/weir/exit_code.h"
#include "apps/weir/guarded_command.h"
#include "apps/weir/lock_validity.h"
#include "apps/weir/messages.h"
#include "apps/weir/waiting_line.h"
#include "config/text/quoted.h"

namespace weir::app {

namespace {

using Clock = RespClient::Clock;

constexpr const char* token_variable = "WEIR_LOCK_TOKEN";
constexpr const char* password_variable = "WEIR_PASSWORD";

// How much later than --timeout the server may say that the lock was not free.
constexpr std::chrono::seconds answer_grace{2};

// Throws ConnectionError with the reason of the server, if it refused.
void require_ok(const Reply& reply, const std::string& asked) {
    if (reply.kind() == Reply::Kind::error) {
        throw ConnectionError(asked + ": " + reply.error());
    }
}

// The requests before the command runs. Each ends with an answer, or with the time for all of them.
class Acquisition {
public:
    Acquisition(const LockCommand& lock, Messages& messages)
        : lock_(lock),
          end_(end_of(lock)),
          client_(lock.server, lock.server_timeout, lock.tls),
          messages_(messages) {}

    RespClient& client() { return client_; }

    // Returns the fencing token; nothing if the lock was not free in time.
    std::optional<std::string> run() {
        if (const auto request = login_request(lock_.credentials)) {
            require_ok(client_.command(*request, end_), "AUTH");
        }
        if (lock_.semaphore) {
            make_semaphore();
        }
        std::vector<std::string> request{"LOCK", lock_.key};
        if (lock_.timeout) {
            request.insert(request.end(), {"TIMEOUT", std::to_string(*lock_.timeout)});
        }
        if (lock_.semaphore) {
            request.emplace_back("SHARED");
        } else if (lock_.read) {
            request.emplace_back("READ");
        }
        const Reply reply =
            client_.long_command(in_context(std::move(request)), end_, look_at_line());
        require_ok(reply, "LOCK");
        if (reply.kind() == Reply::Kind::nothing) {
            return std::nullopt;
        }
        if (reply.kind() != Reply::Kind::integer || reply.integer() <= 0) {
            throw ConnectionError("LOCK: the server answers no fencing token: it is no lockd");
        }
        return std::to_string(reply.integer());
    }

    // Learns for how long the lock is certain, before the command begins.
    void confirm(LockValidity& validity) {
        if (!validity.answered(client_.command(validity.ask()))) {
            throw ConnectionError("LOCK: the server does not hold it any more");
        }
    }

private:
    static std::optional<Clock::time_point> end_of(const LockCommand& lock) {
        if (!lock.timeout) {
            return std::nullopt;
        }
        return Clock::now() + answer_grace +
               std::chrono::ceil<Clock::duration>(std::chrono::duration<double>(*lock.timeout));
    }

    std::vector<std::string> in_context(std::vector<std::string> request) const {
        if (!lock_.context.empty()) {
            request.insert(request.end(), {"CONTEXT", lock_.context});
        }
        return request;
    }

    // Returns what looks at the line of the lock while it waits there; empty: nothing does.
    std::function<void()> look_at_line() {
        if (!lock_.verbose) {
            return {};
        }
        const Reply client = client_.command({"CLIENT", "ID"}, end_);
        require_ok(client, "CLIENT ID");
        if (client.kind() != Reply::Kind::integer) {
            return {};  // it is no lockd, as LOCK will show
        }
        line_.emplace(lock_, client.integer(), messages_);
        return [this] { line_->look(); };
    }

    // A semaphore that exists is resized.
    void make_semaphore() {
        const std::string size = std::to_string(*lock_.semaphore);
        const auto ask = [&](const char* what) {
            return client_.command(in_context({"SEMAPHORE", what, lock_.key, size}), end_);
        };
        if (ask("CREATE").kind() == Reply::Kind::error) {
            require_ok(ask("RESIZE"), "SEMAPHORE");
        }
    }

    const LockCommand& lock_;
    const std::optional<Clock::time_point> end_;
    RespClient client_;
    Messages& messages_;
    std::optional<WaitingLine> line_;
};

// The first process of a container has no default action of signals: before the command runs, these
// would be ignored.
void obey_signals_as_first_process() {
    if (getpid() != 1) {
        return;
    }
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
        std::signal(signal, [](int number) { _exit(killed + number); });
    }
}

int run_with_lock(Acquisition& acquisition, const LockCommand& lock, Messages& messages) {
    LockValidity validity(lock.key, lock.context);
    acquisition.confirm(validity);
    GuardedCommand command(acquisition.client(), lock, validity, messages);
    return command.run();
}

}  // namespace

int run_lock_command(const LockCommand& lock) {
    assert(!lock.command.empty() && lock.kill_after >= 0);
    Messages messages;
    try {
        obey_signals_as_first_process();
        Acquisition acquisition(lock, messages);
        const std::optional<std::string> token = acquisition.run();
        if (!token) {
            messages.say("'" + config::printable(lock.key, 200) + "' was not free in time");
            return timed_out;
        }
        if (lock.verbose) {
            messages.say("'" + config::printable(lock.key, 200) + "' is held, with the token " +
                         *token);
        }
        setenv(token_variable, token->c_str(), 1);
        unsetenv(password_variable);  // it is for this program, and not for the command
        return run_with_lock(acquisition, lock, messages);
    } catch (const CannotStart& error) {
        messages.say(error.what());
        return error.is_not_found() ? not_found : cannot_execute;
    } catch (const std::exception& error) {
        messages.say(error.what());
        return lock_failed;
    }
}

}  // namespace weir::app
