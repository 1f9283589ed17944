#include "apps/weir/lock_command.h"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>

#include <uv.h>

#include "apps/weir/exit_code.h"

namespace weir::app {

namespace {

constexpr const char* token_variable = "WEIR_LOCK_TOKEN";

void say(const std::string& what) {
    std::fprintf(stderr, "weir lock: %s\n", what.c_str());
}

// The command that runs while the lock is held, and what happens meanwhile: it ends, a signal
// comes, the connection is lost. Has a loop of its own.
class GuardedCommand {
public:
    GuardedCommand(RespClient& client, const LockCommand& lock, const std::string& token)
        : client_(client), lock_(lock) {
        uv_loop_init(&loop_);
        loop_.data = this;
        for (std::size_t i = 0; i != signals_.size(); ++i) {
            uv_signal_init(&loop_, &handlers_[i]);
        }
        uv_poll_init(&loop_, &connection_, client.socket());
        uv_timer_init(&loop_, &heartbeat_);
        uv_timer_init(&loop_, &patience_);
        setenv(token_variable, token.c_str(), 1);
    }

    ~GuardedCommand() {
        uv_walk(
            &loop_,
            [](uv_handle_t* handle, void*) {
                if (uv_is_closing(handle) == 0) {
                    uv_close(handle, nullptr);
                }
            },
            nullptr);
        uv_run(&loop_, UV_RUN_DEFAULT);
        uv_loop_close(&loop_);
    }
    GuardedCommand(const GuardedCommand&) = delete;
    GuardedCommand& operator=(const GuardedCommand&) = delete;

    // Runs it to its end; returns what to exit with.
    int run() {
        // Before the command runs: a signal must never end this and leave the command alone.
        for (std::size_t i = 0; i != signals_.size(); ++i) {
            uv_signal_start(
                &handlers_[i],
                [](uv_signal_t* handle, int number) { self(handle).pass_on(number); }, signals_[i]);
            uv_unref(reinterpret_cast<uv_handle_t*>(&handlers_[i]));
        }
        if (const int error = start(); error != 0) {
            say("cannot run " + lock_.command[0] + ": " + uv_strerror(error));
            return error == UV_ENOENT ? not_found : cannot_execute;
        }
        watch_connection();
        uv_run(&loop_, UV_RUN_DEFAULT);
        return exit_code_;
    }

    bool lost() const noexcept { return lost_; }

private:
    static constexpr std::uint64_t heartbeat_ms = 10'000;
    static constexpr std::uint64_t patience_ms = 10'000;
    static constexpr std::array signals_{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

    template <class Handle>
    static GuardedCommand& self(Handle* handle) noexcept {
        return *static_cast<GuardedCommand*>(handle->loop->data);
    }

    int start() {
        std::vector<char*> arguments;
        for (const std::string& argument : lock_.command) {
            arguments.push_back(const_cast<char*>(argument.c_str()));
        }
        arguments.push_back(nullptr);
        std::array<uv_stdio_container_t, 3> files{};
        for (int fd = 0; fd != 3; ++fd) {
            files[static_cast<std::size_t>(fd)].flags = UV_INHERIT_FD;
            files[static_cast<std::size_t>(fd)].data.fd = fd;
        }
        uv_process_options_t options{};
        options.file = arguments[0];
        options.args = arguments.data();
        options.stdio = files.data();
        options.stdio_count = static_cast<int>(files.size());
        options.exit_cb = [](uv_process_t* process, std::int64_t status, int signal) {
            self(process).ended(static_cast<int>(status), signal);
        };
        return uv_spawn(&loop_, &process_, &options);
    }

    // The server forgets a connection that is silent for long, and a server that does not answer is
    // as good as gone: something is said, and has to be answered, now and then.
    void watch_connection() {
        uv_poll_start(&connection_, UV_READABLE, [](uv_poll_t* handle, int status, int) {
            GuardedCommand& command = self(handle);
            try {
                if (status != 0) {
                    throw ConnectionError(uv_strerror(status));
                }
                command.unanswered_ -= command.client_.receive();
            } catch (const ConnectionError& error) {
                command.lose(error.what());
            }
        });
        uv_timer_start(
            &heartbeat_,
            [](uv_timer_t* timer) {
                GuardedCommand& command = self(timer);
                try {
                    if (command.unanswered_ > 0) {
                        throw ConnectionError("the server does not answer");
                    }
                    command.client_.send({"PING"});
                    ++command.unanswered_;
                } catch (const ConnectionError& error) {
                    command.lose(error.what());
                }
            },
            heartbeat_ms, heartbeat_ms);
        uv_unref(reinterpret_cast<uv_handle_t*>(&connection_));
        uv_unref(reinterpret_cast<uv_handle_t*>(&heartbeat_));
    }

    void lose(const std::string& why) {
        lost_ = true;
        uv_poll_stop(&connection_);
        uv_timer_stop(&heartbeat_);
        say("the lock '" + lock_.key + "' is lost: " + why +
            (lock_.only_warn ? "; the command goes on" : "; ending the command"));
        if (!lock_.only_warn) {
            pass_on(SIGTERM);
            uv_timer_start(
                &patience_, [](uv_timer_t* timer) { self(timer).pass_on(SIGKILL); }, patience_ms,
                0);
        }
    }

    void pass_on(int signal) noexcept { uv_process_kill(&process_, signal); }

    void ended(int status, int signal) {
        exit_code_ = signal != 0 ? killed + signal : status;
        uv_timer_stop(&patience_);
    }

    RespClient& client_;
    const LockCommand& lock_;
    uv_loop_t loop_;
    uv_process_t process_;
    uv_poll_t connection_;
    uv_timer_t heartbeat_;
    uv_timer_t patience_;  // with a command that was told to end
    std::array<uv_signal_t, signals_.size()> handlers_;
    int unanswered_ = 0;
    int exit_code_ = failure;
    bool lost_ = false;
};

// Throws ConnectionError with what the server refused.
void require_ok(const Reply& reply, const std::string& asked) {
    if (reply.kind() == Reply::Kind::error) {
        throw ConnectionError(asked + ": " + std::string(reply.text()));
    }
}

void make_semaphore(RespClient& client, const LockCommand& lock) {
    for (const char* what : {"CREATE", "RESIZE"}) {
        std::vector<std::string> request{"SEMAPHORE", what, lock.key,
                                         std::to_string(*lock.semaphore)};
        if (!lock.context.empty()) {
            request.insert(request.end(), {"CONTEXT", lock.context});
        }
        const Reply reply = client.command(request);
        if (reply.kind() != Reply::Kind::error) {
            return;
        }
        if (std::string_view(what) == "RESIZE") {
            require_ok(reply, "SEMAPHORE");
        }
    }
}

// The fencing token; nothing if the lock was not free in time.
std::optional<std::string> acquire(RespClient& client, const LockCommand& lock) {
    if (!lock.password.empty()) {
        require_ok(client.command({"AUTH", lock.password}), "AUTH");
    }
    if (lock.semaphore) {
        make_semaphore(client, lock);
    }
    std::vector<std::string> request{"LOCK", lock.key};
    if (lock.timeout) {
        request.insert(request.end(), {"TIMEOUT", std::to_string(*lock.timeout)});
    }
    if (!lock.context.empty()) {
        request.insert(request.end(), {"CONTEXT", lock.context});
    }
    if (lock.semaphore) {
        request.emplace_back("SHARED");
    }
    const Reply reply = client.command(request);
    require_ok(reply, "LOCK");
    if (reply.kind() == Reply::Kind::integer) {
        return std::to_string(reply.integer());
    }
    return std::nullopt;
}

}  // namespace

int run_lock_command(const LockCommand& lock) {
    try {
        RespClient client(lock.server);
        const std::optional<std::string> token = acquire(client, lock);
        if (!token) {
            say("'" + lock.key + "' was not free in time");
            return timed_out;
        }
        GuardedCommand command(client, lock, *token);
        const int code = command.run();
        if (command.lost()) {
            return lock.only_warn ? code : lock_failed;
        }
        return code;  // the connection is closed, and with it the lock given back
    } catch (const std::exception& error) {
        say(error.what());
        return lock_failed;
    }
}

}  // namespace weir::app
