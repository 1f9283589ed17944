#include "core/net/connection.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <utility>

#include "core/net/loopback_peer.h"
#include "core/net/peer_user.h"
#include "core/run/watch.h"

namespace weir {
namespace {

std::uint64_t next_mark() noexcept {
    static std::atomic<std::uint64_t> last = 0;
    return ++last;
}

// Whether it only ends the output; the protocol is not asked to serialize that.
bool is_end(const ConnectionWriteEvent& event) noexcept {
    return event.end && event.bytes.empty() && &event.type() == &event_type<ConnectionWriteEvent>();
}

bool is_set(Duration time) noexcept {
    return time > Duration::zero();
}

}  // namespace

// Disconnects when the routine that serves the connection ends or is unwound.
struct Connection::Disconnect {
    Connection& connection;
    explicit Disconnect(Connection& served) noexcept : connection(served) {}
    Disconnect(const Disconnect&) = delete;
    Disconnect& operator=(const Disconnect&) = delete;
    ~Disconnect() { connection.disconnect(); }
};

Connection::Connection(Scheduler& scheduler, Protocol& protocol, ByteStream::Owner stream)
    : Container(scheduler),
      protocol_(&protocol),
      identity_(new ConnectionIdentity),
      stream_(std::move(stream)),
      control_(
          match<ConnectionControlEvent>(this).where([this](const ConnectionControlEvent& event) {
              return event.identity == identity_ &&
                     (event.mark == mark_ || event.mark == ConnectionControlEvent::any_mark);
          })) {}

Connection::~Connection() {
    close();
}

std::uint64_t Connection::received() const noexcept {
    return received_ + (stream_ ? stream_->received() : 0);
}

std::uint64_t Connection::sent() const noexcept {
    return sent_ + (stream_ ? stream_->sent() : 0);
}

std::optional<uid_t> Connection::peer_user() {
    if (!peer_user_ && stream_) {
        peer_user_.emplace(local_.family() == AF_UNIX
                               ? peer_user_of(stream_->descriptor(), local_.family())
                               : loopback_peer_user(local_, remote_));
    }
    return peer_user_.value_or(std::nullopt);
}

std::string Connection::describe() const {
    return local_.text() + " <-> " + remote_.text();
}

// --- writing and orders

SendUntil Connection::write(std::string bytes, bool end) {
    return write(make_event<ConnectionWriteEvent>(this, mark_, identity_, std::move(bytes), end));
}

SendUntil Connection::write(Ref<ConnectionWriteEvent> event) {
    if (has_room_for(*event) && scheduler().may_pass_by(*event, PassBy::first_of_its_kind)) {
        take(*event);
        return SendUntil(true);
    }
    // The event keeps the identity alive while it waits to be sent.
    const ConnectionIdentity* identity = event->identity.get();
    const std::uint64_t mark = event->mark;
    return send(std::move(event),
                [identity, mark] { return identity->mark != mark || !identity->accepts_writes; });
}

// Only bytes that the stream keeps until the next poll: a sender in a loop thus waits for its queue
// now and then, also if the peer reads as fast as it writes.
bool Connection::has_room_for(const ConnectionWriteEvent& event) const noexcept {
    return event.identity == identity_ && event.mark == mark_ && connected() &&
           identity_->accepts_writes && writer_ == nullptr && !event.end &&
           stream_->pending() + event.bytes.size() < options().stream.write_buffer_size;
}

void Connection::order(ConnectionControlEvent::Type type, bool force, std::uint64_t mark) {
    identity_->accepts_writes = false;
    scheduler().emergency_send(
        make_event<ConnectionControlEvent>(this, type, force, mark, identity_));
}

// Runs in the routine that serves the connection, wherever that waits.
void Connection::obey(const ConnectionControlEvent& event) {
    using Type = ConnectionControlEvent::Type;
    const Type type = event.type;
    switch (type) {
        case Type::shutdown:
            stopped_ = true;
            break;
        case Type::reconnect:
            again_ = true;
            break;
        case Type::reset:
        case Type::hangup:
            break;
    }
    if (phase_ == Phase::opening) {
        if (stopped_) {
            throw Ended();
        }
    } else if (phase_ == Phase::connected) {
        if (type != Type::reset && !event.force) {
            begin_shutdown();
            return;
        }
        resetting_ = type == Type::reset;
        outcome_ = type == Type::reset ? CloseReason::reset : CloseReason::shut_down;
        throw Ended();
    }
}

std::function<void(const Ref<Event>&, std::size_t)> Connection::obedience() {
    return
        [this](const Ref<Event>& event, std::size_t) { obey(event->as<ConnectionControlEvent>()); };
}

void Connection::begin_shutdown() {
    if (shutting_down_) {
        return;
    }
    shutting_down_ = true;
    peer_ended_first_ = input_over_;
    deadline_ = scheduler().now() + options().shutdown_timeout;
    identity_->accepts_writes = false;
    stream_->discard_input();
    if (!output_over_) {
        // The end is written behind all that was sent before.
        scheduler().emergency_send(
            make_event<ConnectionWriteEvent>(this, mark_, identity_, std::string(), true));
    }
    stream_->signal(SocketEvent::Type::changed);
}

// --- the routine that serves the connection

Task<bool> Connection::open() {
    if (stream_ == nullptr) {
        co_return false;
    }
    co_await stream_->open();
    co_return true;
}

Task<> Connection::run() {
    const Disconnect at_the_end(*this);
    daemon_ = (co_await this_routine()).daemon();
    for (bool first = true;; first = false) {
        phase_ = Phase::opening;
        if (!co_await try_open()) {
            if (error_ && !can_connect()) {
                scheduler().log(LogLevel::info, error_->what());
            } else if (error_ && !stopped_) {
                co_await guard(protocol_->not_connected(*this, *error_), "not_connected");
            }
            break;
        }
        connected_now();
        co_await serve(first);
        disconnect();
        phase_ = Phase::closing;
        co_await tell_end();
        if (!again_ || stopped_ || !can_connect()) {
            break;
        }
    }
    if (was_connected()) {
        co_await guard(protocol_->final(*this), "final");
    }
}

Task<bool> Connection::try_open() {
    error_.reset();
    try {
        co_return co_await with_callback(open(), obedience(), control_);
    } catch (const Ended&) {
    } catch (const QuitException&) {
        stopped_ = true;
    } catch (const StreamError& error) {
        error_.emplace(error);
    } catch (...) {
        scheduler().log_exception("connecting");
    }
    co_return false;
}

void Connection::connected_now() {
    phase_ = Phase::connected;
    mark_ = next_mark();
    identity_->mark = mark_;
    identity_->accepts_writes = identity_->writes = true;
    waiting_.reset();
    outcome_.reset();
    error_.reset();
    input_over_ = output_over_ = shutting_down_ = peer_ended_first_ = resetting_ = false;
    again_ = options().persist;
    last_keepalive_ = Time();
    local_ = SocketAddress::local(stream_->descriptor());
    remote_ = SocketAddress::remote(stream_->descriptor());
    peer_user_.reset();
}

Task<> Connection::serve(bool first) {
    try {
        co_await with_callback(live(first), obedience(), control_);
    } catch (const Ended&) {
    } catch (const QuitException&) {
        stopped_ = true;
        outcome_ = CloseReason::shut_down;
        stream_->flush();
    } catch (...) {
        fail_by_hook(first ? "init" : "reconnected");
    }
    set_outcome();
}

Task<> Connection::live(bool first) {
    if (first) {
        co_await protocol_->init(*this);
    } else {
        co_await protocol_->reconnected(*this);
    }
    stream_->start_reading();
    read();
    while (!is_over() && !times_out()) {
        if (stream_->output_error() != 0 && !output_over_) {
            if (const Ref<Routine> writer = std::move(writer_)) {
                writer->close();
            }
            end_writing();
            continue;
        }
        co_await SignalWait(*stream_, SocketEvent::Type::changed, time_of_next_look());
    }
}

bool Connection::is_over() const noexcept {
    const bool no_input = input_over_ || (shutting_down_ && stream_->input_over());
    return outcome_ || (no_input && output_over_);
}

void Connection::set_outcome() {
    if (outcome_) {
        return;
    }
    if (stream_->output_error() != 0 && !input_over_ && !shutting_down_) {
        error_.emplace(stream_->output_failure());
        outcome_ = CloseReason::socket_error;
    } else {
        outcome_ = shutting_down_ && !peer_ended_first_ ? CloseReason::shut_down
                                                        : CloseReason::closed_by_peer;
    }
}

// Starts the hook `keepalive` if it is due. Returns whether the connection must end.
bool Connection::times_out() {
    const Time now = scheduler().now();
    const ConnectionOptions& options = protocol_->options();
    if (shutting_down_) {
        return now >= deadline_;
    }
    const Time received = stream_->last_received();
    const Time sent = stream_->last_sent();
    // A peer whose input weir does not read is not silent. A peer that has ended its input only
    // reads.
    const Time heard = input_over_ ? std::max(received, sent) : received;
    if (is_set(options.idle_timeout) && !stream_->stopped() &&
        now - heard >= options.idle_timeout) {
        outcome_ = CloseReason::idle;
        return true;
    }
    const bool silent = is_set(options.keepalive_time) &&
                        now - std::max(received, last_keepalive_) >= options.keepalive_time;
    const bool mute = is_set(options.write_keepalive_time) &&
                      now - std::max(sent, last_keepalive_) >= options.write_keepalive_time;
    if (silent || mute) {
        last_keepalive_ = now;
        if (keeping_alive_ == nullptr || keeping_alive_->ended()) {
            keeping_alive_ =
                start(keep_alive(), {.name = "connection keepalive", .daemon = daemon_});
        }
    }
    return false;
}

// Returns when times_out() may have something to do.
Time Connection::time_of_next_look() const {
    const ConnectionOptions& options = protocol_->options();
    if (shutting_down_) {
        return deadline_;
    }
    Time next = no_deadline;
    const auto limit = [&next](Time since, Duration time) {
        if (is_set(time)) {
            next = std::min(next, since + time);
        }
    };
    const Time received = stream_->last_received();
    const Time sent = stream_->last_sent();
    if (stream_->stopped()) {
        limit(scheduler().now(), options.idle_timeout);
    } else {
        limit(input_over_ ? std::max(received, sent) : received, options.idle_timeout);
    }
    limit(std::max(received, last_keepalive_), options.keepalive_time);
    limit(std::max(sent, last_keepalive_), options.write_keepalive_time);
    return next;
}

void Connection::fail(CloseReason reason) {
    if (!outcome_) {
        outcome_ = reason;
        stream_->signal(SocketEvent::Type::changed);
    }
}

// Called in the handler of an exception that a hook threw.
void Connection::fail_by_hook(std::string_view hook) {
    scheduler().log_exception(describe() + ": the protocol's hook '" + std::string(hook) +
                              "' ended");
    if (stream_) {
        fail(CloseReason::protocol_error);
    }
}

Task<> Connection::tell_end() {
    const bool failed = *outcome_ == CloseReason::socket_error;
    Task<> hook = failed ? protocol_->error(*this, *error_) : protocol_->closed(*this, *outcome_);
    co_await with_callback(guard(std::move(hook), failed ? "error" : "closed"), obedience(),
                           control_);
}

Task<> Connection::guard(Task<> hook, std::string_view name) {
    try {
        co_await hook;
    } catch (const QuitException&) {
        stopped_ = true;
    } catch (...) {
        fail_by_hook(name);
    }
}

void Connection::disconnect() noexcept {
    if (stream_ == nullptr) {
        return;
    }
    for (Ref<Routine>* routine : {&reader_, &writer_, &keeping_alive_}) {
        if (*routine) {
            (*routine)->close();
            routine->reset();
        }
    }
    reading_.unlink();
    end_writing();
    identity_->mark = 0;
    received_ += stream_->received();
    sent_ += stream_->sent();
    ByteStream* stream = stream_.release();
    if (resetting_) {
        stream->reset();
    } else {
        stream->close();
    }
}

// --- reading

// Reads what there is, and waits for the next signal. While a routine waits to send an event,
// nothing is read: that goes on when it is sent.
void Connection::read() noexcept {
    try {
        do {
            if (!stream_->has_news()) {
                stream_->want(SocketEvent::Type::readable, reading_);
                return;
            }
        } while (read_once());
    } catch (...) {
        scheduler().log_exception("reading from a connection");
        try {
            fail(CloseReason::protocol_error);
        } catch (...) {
            scheduler().log_exception("ending a connection");
        }
    }
}

// Returns whether reading goes on at once.
bool Connection::read_once() {
    if (shutting_down_) {
        finish_input();  // the stream drops the input
        return false;
    }
    const std::string_view bytes = stream_->input();
    if (stream_->input_error() != 0 && bytes.size() == stream_->seen()) {
        error_.emplace(stream_->input_failure());
        fail(CloseReason::socket_error);
        return false;
    }
    const bool ended = stream_->input_ended();
    Events events;
    try {
        const std::size_t used =
            protocol_->parse(*this, Input{bytes, stream_->seen(), ended}, events);
        stream_->consume(std::min(used, bytes.size()));
        if (!stream_->make_room()) {
            throw std::length_error("a message is longer than the largest buffer");
        }
    } catch (...) {
        fail_by_hook("parse");
        return false;
    }
    return send_all(std::move(events), ended);
}

// Returns false if there is no more to read, or if a routine sends the rest and then reads on.
bool Connection::send_all(Events events, bool ended) {
    for (auto event = events.begin(); event != events.end() && !drops_input(); ++event) {
        if (Matcher signal = scheduler().try_send(*event)) {
            events.erase(events.begin(), event);
            reader_ = start(send_rest(std::move(events), std::move(signal), ended),
                            {.name = "connection reader", .daemon = daemon_, .foreground = true});
            return false;
        }
    }
    if (ended) {
        finish_input();
    }
    return !ended;
}

// `signal`: of the queue that has refused the first event.
Task<> Connection::send_rest(Events events, Matcher signal, bool ended) {
    for (Ref<Event>& event : events) {
        SendUntil sending(
            std::move(event), [this] { return drops_input(); }, std::exchange(signal, {}));
        co_await sending;
    }
    const Ref<Routine> self = std::move(reader_);
    if (ended) {
        finish_input();
    } else {
        read();
    }
}

void Connection::finish_input() {
    input_over_ = true;
    stream_->signal(SocketEvent::Type::changed);
    if (!shutting_down_ && !output_over_) {
        start(end_input(), {.name = "connection input ended", .daemon = daemon_});
    }
}

Task<> Connection::end_input() {
    co_await guard(protocol_->input_ended(*this), "input_ended");
}

Task<> Connection::keep_alive() {
    co_await guard(protocol_->keepalive(*this), "keepalive");
}

// --- writing

void ConnectionWriteEvent::received() noexcept {
    if (!can_ignore_now()) {
        connection.get()->take(*this);
    }
}

// Takes a write event from its queue, or from write(). While there is no room it is not taken: then
// it blocks its queue, so that its senders wait.
void Connection::take(ConnectionWriteEvent& event) noexcept {
    if (writer_ != nullptr) {
        waiting_ = Ref<ConnectionWriteEvent>(&event);
        return;
    }
    event.set_ignorable();
    try {
        put_out(is_end(event) ? Output{{}, true} : protocol_->serialize(*this, event));
    } catch (...) {
        try {
            fail_by_hook("serialize");
            stop_writing();
        } catch (...) {
            scheduler().log_exception("ending a connection");
        }
    }
}

void Connection::put_out(Output output) {
    stream_->queue_output(std::move(output.bytes));
    const std::size_t limit = output.end ? 1 : options().stream.write_buffer_size;
    if (stream_->pending() >= limit) {
        stream_->flush();
    }
    if (stream_->output_error() != 0) {
        stop_writing();
    } else if (stream_->pending() >= limit) {
        writer_ = start(wait_for_room(output.end),
                        {.name = "connection writer", .daemon = daemon_, .foreground = true});
    } else if (output.end) {
        stream_->end_output();
        stop_writing();
    }
}

// Waits until the stream takes further bytes; at the end, until it has taken all.
Task<> Connection::wait_for_room(bool end) {
    const std::size_t limit = end ? 1 : options().stream.write_buffer_size;
    while (stream_->pending() >= limit && stream_->output_error() == 0) {
        co_await SignalWait(*stream_, SocketEvent::Type::writable);
    }
    const Ref<Routine> self = std::move(writer_);
    if (stream_->output_error() != 0) {
        stop_writing();
    } else if (end) {
        stream_->end_output();
        stop_writing();
    } else if (const Ref<ConnectionWriteEvent> event = std::move(waiting_)) {
        scheduler().deliver_again(*event);
    }
}

void Connection::stop_writing() {
    end_writing();
    stream_->signal(SocketEvent::Type::changed);
}

// Drops write events that wait; their senders go on.
void Connection::end_writing() {
    if (!std::exchange(output_over_, true)) {
        identity_->accepts_writes = identity_->writes = false;
        waiting_.reset();
        scheduler().ignore(match<ConnectionWriteEvent>(this, mark_).make());
    }
}

}  // namespace weir
