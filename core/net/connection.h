#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/event/matcher.h"
#include "core/net/connection_events.h"
#include "core/net/protocol.h"
#include "core/run/container.h"
#include "core/run/task.h"
#include "core/stream/byte_stream.h"
#include "core/stream/socket_events.h"
#include "core/wait/send.h"

namespace weir {

// The state that a protocol keeps for a connection; derive from it. See Connection::data.
struct ConnectionData {
    virtual ~ConnectionData() = default;
};

// A connection on a socket. A routine runs the protocol's hooks and closes the connection in order.
// Bytes that come need no routine: the protocol turns them into events when the stream signals
// them. Neither do write events, whose bytes the receiver of their type hands to the stream. Only
// while a queue refuses an event, or the stream has no room, a routine waits for that. A
// SocketServer makes a connection for each peer; a Client is one.
//
// It is also the container of the routines that its protocol starts in it, and closes them when it
// is destroyed. Must not be destroyed by one of these, or by a hook. Belongs to the scheduler's
// thread.
class Connection : public Container, public Link<Connection, SocketServer> {
public:
    // Takes a connected socket. The protocol must outlive the connection.
    Connection(Scheduler& scheduler, Protocol& protocol, ByteStream::Owner stream);
    ~Connection() override;

    Protocol& protocol() const noexcept { return *protocol_; }
    const ConnectionOptions& options() const noexcept { return protocol_->options(); }
    // Makes another protocol serve the connection from now on, with its own state. Hooks that are
    // running go on.
    void hand_to(Protocol& protocol, std::unique_ptr<ConnectionData> its_data) noexcept {
        protocol_ = &protocol;
        data = std::move(its_data);
    }

    // Whether it is connected, and the number of this or the last connect, unique in the process.
    bool connected() const noexcept { return identity_->mark != 0; }
    std::uint64_t mark() const noexcept { return mark_; }
    // Addresses of this or the last connect.
    const SocketAddress& local() const noexcept { return local_; }
    const SocketAddress& remote() const noexcept { return remote_; }
    // Returns the user as whom the peer's process ran when it connected, as the kernel knows it:
    // of a Unix socket, and of a TCP connection within this machine (see loopback_peer.h). Nothing
    // if it is not known. Asks the kernel at the first call after each connect.
    std::optional<uid_t> peer_user();
    // Bytes of all connects.
    std::uint64_t received() const noexcept;
    std::uint64_t sent() const noexcept;
    // Bytes that were received and not parsed, and bytes that were written and not taken by the
    // system; 0 if it is not connected. The options bound both.
    std::size_t input_size() const noexcept { return stream_ ? stream_->input().size() : 0; }
    std::size_t output_size() const noexcept { return stream_ ? stream_->pending() : 0; }
    // TCP: bytes that the system has taken and the peer's machine has not acknowledged.
    std::size_t unacknowledged() const noexcept { return stream_ ? stream_->unacknowledged() : 0; }
    // Whether reading has stopped because no routine takes the events; TCP then slows the peer
    // down.
    bool reading_stopped() const noexcept { return stream_ && stream_->stopped(); }

    // For logs: tcp://127.0.0.1:4000 <-> tcp://127.0.0.1:51234
    std::string describe() const;

    // The protocol's state of this connection.
    std::unique_ptr<ConnectionData> data;

    // --- writing

    // co_await connection.write(bytes): sends a write event, and waits while its queue is full.
    // Returns false if the connection ends or has ended, and the event was not sent. True does not
    // mean that the peer has received the bytes: only the peer can say so.
    //
    // Takes the event at once, instead of sending it, if nothing could tell the difference: there
    // is room, no earlier one is under way, and no code looks (Scheduler::may_pass_by).
    //
    // Bytes that are written between two polls are sent together, in order. `end`: ends the output;
    // the peer may still send.
    SendUntil write(std::string bytes, bool end = false);
    // Does the same with an event of a derived type, whose identity and mark are this connection's.
    SendUntil write(Ref<ConnectionWriteEvent> event);

    // --- orders; each takes effect when its event is processed, but writes fail from now on

    // Ends the connection for good. In order: writes what was sent before, ends the output, drops
    // further input, and closes when the peer has closed too or after the shutdown_timeout. By
    // force: closes at once and drops pending bytes.
    void shutdown(bool force = false) {
        order(ConnectionControlEvent::Type::shutdown, force, ConnectionControlEvent::any_mark);
    }
    // Ends this connect in the same ways; a persisting client connects again.
    void hang_up(bool force = false) { order(ConnectionControlEvent::Type::hangup, force, mark_); }
    // Does the same; a client connects again whether it persists or not.
    void reconnect(bool force = true) {
        order(ConnectionControlEvent::Type::reconnect, force, mark_);
    }
    // Ends this connect at once, with an error for the peer.
    void reset() { order(ConnectionControlEvent::Type::reset, true, mark_); }

    // --- for servers and clients

    // Serves the connection until it has ended for good. Never throws. Requires that it was not
    // called before.
    Task<> run();

protected:
    // Connects; returns whether there is a stream. Called again after each end of a connection that
    // connects again. An exception ends that.
    virtual Task<bool> open();
    virtual bool can_connect() const noexcept { return false; }

    void set_stream(ByteStream::Owner stream) noexcept { stream_ = std::move(stream); }
    bool was_connected() const noexcept { return mark_ != 0; }

private:
    friend struct ConnectionWriteEvent;

    enum class Phase { opening, connected, closing };
    struct Ended {};  // thrown where the connection is served, to end it
    struct Disconnect;
    struct Reading final : SignalWaiter {
        explicit Reading(Connection& connection) noexcept : connection_(connection) {}
        void signalled() noexcept override { connection_.read(); }

    private:
        Connection& connection_;
    };

    void order(ConnectionControlEvent::Type type, bool force, std::uint64_t mark);
    void obey(const ConnectionControlEvent& event);
    std::function<void(const Ref<Event>&, std::size_t)> obedience();

    Task<bool> try_open();
    Task<> serve(bool first);
    Task<> live(bool first);
    Task<> tell_end();
    Task<> guard(Task<> hook, std::string_view name);
    void read() noexcept;
    bool read_once();
    bool send_all(Events events, bool ended);
    Task<> send_rest(Events events, Matcher signal, bool ended);
    void finish_input();
    bool drops_input() const noexcept { return shutting_down_ || outcome_.has_value(); }
    Task<> wait_for_room(bool end);
    Task<> end_input();
    Task<> keep_alive();

    void connected_now();
    void disconnect() noexcept;
    void begin_shutdown();
    bool has_room_for(const ConnectionWriteEvent& event) const noexcept;
    void take(ConnectionWriteEvent& event) noexcept;
    void put_out(Output output);
    void end_writing();
    void stop_writing();
    void fail(CloseReason reason);
    void fail_by_hook(std::string_view hook);
    bool is_over() const noexcept;
    void set_outcome();
    bool times_out();
    Time time_of_next_look() const;

    Protocol* protocol_;
    const Ref<ConnectionIdentity> identity_;
    ByteStream::Owner stream_;
    MatcherOf<ConnectionControlEvent> control_;
    Phase phase_ = Phase::opening;
    bool daemon_ = false;
    std::uint64_t mark_ = 0;
    SocketAddress local_;
    SocketAddress remote_;
    std::optional<std::optional<uid_t>> peer_user_;  // nothing: not asked yet
    std::uint64_t received_ = 0;                     // by former connects
    std::uint64_t sent_ = 0;

    // The rest belongs to one connect.
    Reading reading_{*this};
    Ref<Routine> reader_;                // waits to send an event; null: none was refused
    Ref<Routine> writer_;                // waits for room; null: there is some
    Ref<ConnectionWriteEvent> waiting_;  // blocks its queue until there is
    Ref<Routine> keeping_alive_;
    std::optional<CloseReason> outcome_;
    std::optional<SocketError> error_;
    bool input_over_ = false;  // all input is parsed and sent as events
    bool output_over_ = false;
    bool shutting_down_ = false;
    bool peer_ended_first_ = false;
    bool resetting_ = false;
    Time deadline_{};  // of the shutdown
    Time last_keepalive_{};

    // What follows it.
    bool again_ = false;    // another connect, if it can
    bool stopped_ = false;  // shutdown() was called: none
};

}  // namespace weir
