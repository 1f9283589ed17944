#pragma once

/// What the tests of connections share: a world on libuv, a protocol of lines that keeps a journal,
/// and a bare socket as the peer.

#include <cerrno>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/net/client.h"
#include "core/net/connection.h"
#include "core/net/protocol.h"
#include "core/net/socket_server.h"
#include "core/program/standard_queues.h"
#include "core/run/container.h"
#include "core/run/scheduler.h"
#include "core/run/uv_poller.h"
#include "core/wait/do_events.h"
#include "core/wait/timeout.h"

namespace weir::testing {

using namespace std::chrono_literals;

struct World {
    World() {
        add_standard_queues(scheduler.queue());
        static int worlds = 0;
        folder = "/tmp/weir_net_test." + std::to_string(getpid()) + '.' + std::to_string(++worlds);
    }

    /// Runs until the task has ended. Daemons are closed then.
    void run(Task<> task) {
        container.start(within_time(std::move(task)), {.name = "test"});
        scheduler.run();
        REQUIRE(finished);
    }

    std::string socket() const { return "unix:" + folder; }

    std::vector<std::string> logged;
    bool finished = false;
    std::string folder;
    UvPoller poller;
    Scheduler scheduler{poller, {.queue = standard_root(), .log = [this](const LogRecord& record) {
                                     logged.emplace_back(record.text);
                                 }}};
    Container container{scheduler};

private:
    // A task that takes long fails the test, because none of them should.
    Task<> within_time(Task<> task) {
        finished = co_await execute_with_timeout(30s, std::move(task));
    }
};

struct LineEvent : Event {
    Index<Connection*> connection;
    std::string line;

    static auto declare() {
        return declare_event<LineEvent>("test.LineEvent")
            .index("connection", &LineEvent::connection)
            .blocking();
    }
};

/// Sent when a connection's hook was called; carries the journal's entry.
struct JournalEvent : Event {
    Index<std::string> entry;
    static auto declare() {
        return declare_event<JournalEvent>("test.JournalEvent")
            .index("entry", &JournalEvent::entry);
    }
};

/// Makes each line a LineEvent, and notes the hooks in the journal.
class LineProtocol : public Protocol {
public:
    using Protocol::Protocol;

    std::size_t parse(Connection& connection, const Input& input, Events& events) override {
        std::size_t used = 0;
        for (std::size_t end; (end = input.bytes.find('\n', used)) != std::string_view::npos;
             used = end + 1) {
            const std::string_view line = input.bytes.substr(used, end - used);
            if (line == "throw") {
                throw std::runtime_error("a line that throws");
            }
            events.push_back(make_event<LineEvent>(&connection, std::string(line)));
        }
        ends_parsed += input.ended ? 1 : 0;
        return used;
    }
    Task<> init(Connection& connection) override {
        last = &connection;
        ++connected;
        note(connection, "init");
        co_return;
    }
    Task<> reconnected(Connection& connection) override {
        note(connection, "reconnected");
        co_return;
    }
    Task<> closed(Connection& connection, CloseReason reason) override {
        note(connection, "closed: " + std::string(to_string(reason)));
        co_return;
    }
    Task<> error(Connection& connection, const SocketError& error) override {
        last_error = error.code();
        note(connection, "error");
        co_return;
    }
    Task<> not_connected(Connection& connection, const SocketError& error) override {
        last_error = error.code();
        note(connection, "not connected");
        co_return;
    }
    Task<> final(Connection& connection) override {
        note(connection, "final");
        if (last == &connection) {
            last = nullptr;
        }
        co_return;
    }
    Task<> keepalive(Connection& connection) override {
        note(connection, "keepalive");
        co_return;
    }
    Task<> input_ended(Connection& connection) override {
        note(connection, "input ended");
        if (!stays_half_closed) {
            co_await Protocol::input_ended(connection);
        }
    }

    void note(Connection& connection, const std::string& entry) {
        journal.push_back(entry);
        connection.scheduler().emergency_send(make_event<JournalEvent>(entry));
    }
    /// Waits until the journal contains the entry `times` times.
    Task<> reached(std::string entry, long times = 1) {
        const MatcherOf<JournalEvent> noted = match<JournalEvent>(entry);
        while (std::count(journal.begin(), journal.end(), entry) < times) {
            co_await noted;
        }
    }

    std::vector<std::string> journal;
    Connection* last = nullptr;
    int connected = 0;
    int ends_parsed = 0;
    int last_error = 0;
    bool stays_half_closed = false;
};

/// Answers every line with the same line, forever.
inline Task<> echo_lines() {
    const MatcherOf<LineEvent> lines = match<LineEvent>();
    for (;;) {
        Ref<LineEvent> event = co_await lines;
        event->set_ignorable();
        Connection& connection = *event->connection.get();
        co_await connection.write(event->line + '\n');
    }
}

/// The peer, a bare socket without weir.
class Peer {
public:
    explicit Peer(const SocketAddress& address)
        : socket_(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        REQUIRE(::connect(socket_, address.data(), address.size()) == 0);
        fcntl(socket_, F_SETFL, O_NONBLOCK);
    }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;
    ~Peer() { close(); }

    ssize_t send(std::string_view bytes) {
        return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    /// Leaves what is not received to the other side: the system keeps little of it.
    void keep_little() {
        const int size = 4096;
        setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    }
    void end() { ::shutdown(socket_, SHUT_WR); }
    void close() {
        if (socket_ >= 0) {
            ::close(std::exchange(socket_, -1));
        }
    }
    void reset() {
        const linger now{1, 0};
        setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        close();
    }

    /// Reads what has arrived. Returns false at the end of the stream, or on an error.
    bool receive() {
        char buffer[65536];
        for (;;) {
            const ssize_t count = ::recv(socket_, buffer, sizeof(buffer), 0);
            if (count > 0) {
                received.append(buffer, static_cast<std::size_t>(count));
            } else if (count == 0) {
                return false;
            } else if (errno == EAGAIN) {
                return true;
            } else {
                error = errno;
                return false;
            }
        }
    }
    Task<> receive_all() {
        while (receive()) {
            co_await do_events();
        }
    }
    Task<> receive_until(std::size_t size) {
        while (received.size() < size && receive()) {
            co_await do_events();
        }
    }

    std::string received;
    int error = 0;

private:
    int socket_;
};

}  // namespace weir::testing
