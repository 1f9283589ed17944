#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/event/matcher.h"
#include "core/net/connection_events.h"
#include "core/net/protocol.h"
#include "core/net/stream.h"
#include "core/run/container.h"
#include "core/run/task.h"
#include "core/wait/send.h"

namespace weir {

// What a protocol keeps with a connection; derive from it. See Connection::data.
struct ConnectionData {
    virtual ~ConnectionData() = default;
};

// A connection on a socket: routines that read and parse, that write, and that keep order. Made by
// a SocketServer for each peer, and by Client. As a container it also owns the routines that its
// protocol starts in it: they end, at the latest, with the object.
//
// Must not be destroyed by one of its own routines or hooks. Belongs to the scheduler's thread, as
// everything.
class Connection : public Container, public Link<Connection, SocketServer> {
public:
    // Of a connected socket. The protocol must outlive the connection.
    Connection(Scheduler& scheduler, Protocol& protocol, Stream::Owner stream);
    ~Connection() override;

    Protocol& protocol() const noexcept { return *protocol_; }
    const ConnectionOptions& options() const noexcept { return protocol_->options(); }
    // Lets another protocol serve the connection from now on, as if it always had. Hooks that run
    // go on as they are.
    void hand_to(Protocol& protocol, std::unique_ptr<ConnectionData> its_data) noexcept {
        protocol_ = &protocol;
        data = std::move(its_data);
    }

    // Whether it is connected, and with which mark: another one with each connect, of any
    // connection in the process. The mark stays when the connection ends.
    bool connected() const noexcept { return identity_->mark != 0; }
    std::uint64_t mark() const noexcept { return mark_; }
    // Addresses of this or the last connect.
    const SocketAddress& local() const noexcept { return local_; }
    const SocketAddress& remote() const noexcept { return remote_; }
    // Bytes of all connects.
    std::uint64_t received() const noexcept;
    std::uint64_t sent() const noexcept;
    // Bytes that were received and are not yet parsed, that are to be written and that the system
    // has not taken yet; 0 if it is not connected. Both are bounded by the options.
    std::size_t input_size() const noexcept { return stream_ ? stream_->input().size() : 0; }
    std::size_t output_size() const noexcept { return stream_ ? stream_->pending() : 0; }
    // Whether reading has stopped since nobody takes the events: the peer is slowed down.
    bool reading_stopped() const noexcept { return stream_ && stream_->stopped(); }

    // For logs: tcp://127.0.0.1:4000 <-> tcp://127.0.0.1:51234
    std::string describe() const;

    // For the protocol's use. It lives until the object goes or this is set anew.
    std::unique_ptr<ConnectionData> data;

    // --- writing

    // co_await connection.write(bytes): sends a write event, waiting while there are too many.
    // Gives whether it was sent: false if the connection has ended, or begun to, or ends while this
    // waits. True does not mean that the peer has received it: only the peer can say so.
    //
    // What is written while other events are handled goes out together, in order, before the
    // scheduler waits. `end`: nothing follows; the peer is told, and may still send.
    SendUntil write(std::string bytes, bool end = false) {
        return write(
            make_event<ConnectionWriteEvent>(this, mark_, identity_, std::move(bytes), end));
    }
    // The same for an event of another type; its identity and mark are this connection's.
    SendUntil write(Ref<ConnectionWriteEvent> event);

    // --- orders; each takes effect in the turn of its event, but from now on writes are refused

    // Ends the connection, and a client altogether. In order: writes what was sent before, tells
    // the peer so, drops what still comes, and closes when the peer has closed too or the
    // shutdown_timeout is over. By force: closes at once and drops what is not written.
    void shutdown(bool force = false) {
        order(ConnectionControlEvent::Type::shutdown, force, ConnectionControlEvent::any_mark);
    }
    // Ends this connect in the same ways; a client that persists connects again.
    void hang_up(bool force = false) { order(ConnectionControlEvent::Type::hangup, force, mark_); }
    // The same; a client connects again, whether it persists or not.
    void reconnect(bool force = true) {
        order(ConnectionControlEvent::Type::reconnect, force, mark_);
    }
    // Ends this connect at once; the peer gets an error.
    void reset() { order(ConnectionControlEvent::Type::reset, true, mark_); }

    // --- for servers and clients

    // Serves the connection until it has ended for good. Never throws; to be run once.
    Task<> run();

protected:
    // Connects: true if there is a stream. Called again after each end, if it is to reconnect.
    // What it throws is the end of trying.
    virtual Task<bool> open();
    virtual bool can_connect() const noexcept { return false; }

    void set_stream(Stream::Owner stream) noexcept { stream_ = std::move(stream); }
    bool was_connected() const noexcept { return mark_ != 0; }

private:
    enum class Phase { opening, connected, closing };
    struct Ended {};  // thrown where the connection is served, to end that
    struct Disconnect;

    void order(ConnectionControlEvent::Type type, bool force, std::uint64_t mark);
    void obey(const ConnectionControlEvent& event);
    std::function<void(const Ref<Event>&, std::size_t)> obedience();

    Task<bool> try_open();
    Task<> serve(bool first);
    Task<> live(bool first);
    Task<> tell_end();
    Task<> guard(Task<> hook, std::string_view name);
    Task<> read();
    Task<> write_out();
    Task<> end_input();
    Task<> keep_alive();

    void connected_now();
    void disconnect() noexcept;
    void begin_shutdown();
    void end_writing();
    void fail(CloseReason reason);
    void fail_by_hook(std::string_view hook);
    bool is_over() const noexcept;
    void set_outcome() noexcept;
    bool times_out();
    std::optional<Duration> time_left() const;

    Protocol* protocol_;
    const Ref<ConnectionIdentity> identity_;
    Stream::Owner stream_;
    MatcherOf<ConnectionControlEvent> control_;
    Phase phase_ = Phase::opening;
    bool daemon_ = false;
    std::uint64_t mark_ = 0;
    SocketAddress local_;
    SocketAddress remote_;
    std::uint64_t received_ = 0;  // by former connects
    std::uint64_t sent_ = 0;

    // Of this connect.
    Ref<Routine> reader_;
    Ref<Routine> writer_;
    Ref<Routine> keeping_alive_;
    std::optional<CloseReason> outcome_;
    std::optional<SocketError> error_;
    bool input_over_ = false;  // all is parsed and sent
    bool output_over_ = false;
    bool shutting_down_ = false;
    bool peer_ended_first_ = false;
    bool resetting_ = false;
    Time deadline_{};  // of the shutdown
    Time last_keepalive_{};

    // What is to come after it.
    bool again_ = false;
    bool stopped_ = false;  // told to shut down, for good
};

}  // namespace weir
