#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/net/connection.h"
#include "core/run/routine.h"
#include "core/run/task.h"
#include "core/wait/long_work.h"
#include "modules/lock/session.h"
#include "modules/resp/handed_session.h"
#include "modules/resp/input_event.h"
#include "modules/resp/parser.h"
#include "modules/resp/request.h"
#include "modules/resp/transaction.h"
#include "modules/resp/watches.h"
#include "modules/resp/writer.h"
#include "modules/system/call/caller.h"
#include "modules/system/net/from_address.h"

namespace weir::resp {

class RespProtocol;
struct Command;

// One client: its unanswered requests, its name, and the locks that it holds. Its routine executes
// its requests in order, one at a time, and gives back its locks when the connection ends, however
// it ends.
//
// A client that loses a lock is told at once: by a push in version 3 of the protocol. In version 2,
// where clients expect replies only, by an error, after which its connection is closed, and it
// loses its other locks too.
class Session final : public ConnectionData,
                      public Link<Session, RespProtocol>,
                      private LockLossListener {
public:
    Session(RespProtocol& protocol, Connection& connection, std::uint64_t id);
    // Continues where another version of the plugin has stopped.
    Session(RespProtocol& protocol, HandedSession handed);
    ~Session() override;

    // --- for the protocol

    // Starts to execute requests.
    void start();
    // Returns the event for bytes that were received.
    Ref<InputEvent> input(std::string_view bytes, bool end);
    // Takes the event at once, instead of from its queue, if nothing could tell the difference.
    // Returns whether it does.
    bool take(const Ref<InputEvent>& event);
    // The client has closed its side, and all that it sent has been read. A wait ends at once.
    void input_ended();
    // The connection has ended: unwinds the routine and gives back all locks.
    void end() noexcept;
    // Whether the client has been silent for that long, neither holds nor waits for a lock, and
    // watches no events.
    bool idle_for(Duration time) const;
    // Whether it waits for a request.
    bool idle() const noexcept { return life_ != nullptr && life_->input.awaited(); }
    // Hands the client, with what is left of its input, to another version. Only destroying is
    // allowed afterwards.
    HandedSession hand_over(std::string bytes, bool end);
    // Returns whether the client has taken none of the replies that wait, for that long since this
    // was asked first: what the client does not read waits here, and what its machine does not
    // acknowledge waits in the system.
    bool stuck_for(Duration time) noexcept;

    // --- for commands

    RespProtocol& protocol() const noexcept { return protocol_; }
    Connection& connection() const noexcept { return connection_; }
    Scheduler& scheduler() const noexcept { return connection_.scheduler(); }
    std::uint64_t id() const noexcept { return id_; }
    // The locks of the client.
    LockSession& locks() noexcept { return *locks_; }
    const LockSession& locks() const noexcept { return *locks_; }

    // The events that the client watches.
    Watches& watches() noexcept { return watches_; }
    const Watches& watches() const noexcept { return watches_; }

    ReplyWriter& reply() noexcept { return reply_; }
    // Answers with an error of the most common code, ERR.
    void error(std::string_view message) { reply_.error("ERR", message); }
    void ok() { reply_.simple("OK"); }
    // Sends the replies so far; to be called before anything that may take long.
    Task<> flush();
    // Waits until so many items may be worked on, as a part of the long work of all clients.
    Task<> turn(std::size_t items, LongWork::Piece piece = LongWork::Piece::first);
    // Returns whether the clients of its address leave so much unread that it gets no long reply
    // now; answers that.
    bool refuse_long_reply();
    // Waits for the turn. Returns false, and has answered why, if the reply would be long and it
    // gets none now.
    Task<bool> begin_long(std::size_t items);
    // Waits for the turn that the command needs, and runs it.
    Task<> carry_out(const Command& command, const Request& request);

    // To be called before a wait for other clients: sends the replies so far; CLIENT LIST shows
    // `what`. Returns false if the client is gone, so that a wait would be useless.
    Task<bool> begin_waiting(std::string what);
    void end_waiting() noexcept { waiting_for_.clear(); }
    const std::string& waiting_for() const noexcept { return waiting_for_; }

    // Closes the connection when the reply to this request is sent.
    void close_after_reply() noexcept { closing_ = true; }
    // Forgets locks, watches, name and user, as if the client had just connected.
    void reset();

    // Between MULTI and EXEC.
    std::optional<Transaction>& transaction() noexcept { return transaction_; }
    const std::optional<Transaction>& transaction() const noexcept { return transaction_; }
    // Executes the requests since MULTI, in order. Requires a transaction.
    Task<> execute_transaction();
    bool in_exec() const noexcept { return in_exec_; }
    // Whether this reply, and those to the next requests, are sent.
    void set_reply_mode(ReplyMode mode) noexcept;

    const std::string& name() const noexcept { return name_; }
    void set_name(std::string_view name);
    // Who the client is, and what it may do.
    const Ref<Caller>& caller() const noexcept { return caller_; }
    void set_caller(Ref<Caller> caller);
    // Returns why the client may not use the command; nothing if it may.
    std::optional<ApiError> refusal(const Command& command) const;
    // Answers with the error of a call, or with one of rights: NOPERM, as in Redis.
    void refuse(const ApiError& error);
    Time connected_at() const noexcept { return connected_at_; }
    Time last_request_at() const noexcept { return last_request_at_; }
    // The command that runs or ran last; null before the first one.
    const Command* last_command() const noexcept { return last_command_; }

private:
    Task<> serve(std::string bytes, bool end);
    // Executes requests from the front of the input, up to one that may take long. Returns its
    // command, which is to be run and then ended; null if there is no request left, if the replies
    // are to be sent, or if the rest of the input is for a newer version.
    const Command* execute(std::string_view& bytes);
    const Command* begin_request();
    void end_request() noexcept { reply_.set_silent(false); }
    void refuse_request();
    std::unique_ptr<LockSession> make_locks();
    void lock_lost(const LostLock& lost) noexcept override;
    Task<> tell_losses();
    void write_losses(ReplyWriter& writer);
    bool goes_on(std::string_view bytes) const noexcept;
    // Whether so many replies are collected that they are sent before the next request.
    bool has_many_replies() const noexcept;
    Task<> run(const Command& command, const Request& request);
    const Command* check(const Request& request);
    void collect(Request request);
    void begin_reply() noexcept;
    void break_off();
    std::string title() const;

    RespProtocol& protocol_;
    Connection& connection_;
    const std::uint64_t id_;
    Ref<SessionLife> life_;                    // null once it was handed over
    std::optional<FromAddress> from_address_;  // nothing: of no address, or it has ended
    RequestParser parser_;
    ReplyWriter reply_;
    std::string name_;
    Ref<Caller> caller_;
    std::unique_ptr<LockSession> locks_;
    std::vector<LostLock> losses_;  // that the client was not told of yet
    Ref<Routine> routine_;
    Ref<Routine> telling_losses_;  // null: there are none
    std::string waiting_for_;      // empty: nothing
    std::optional<Transaction> transaction_;
    ReplyMode reply_mode_ = ReplyMode::on;
    bool in_exec_ = false;
    Time connected_at_;
    Time last_request_at_;
    const Command* last_command_ = nullptr;
    std::uint64_t taken_ = 0;           // bytes of replies, when stuck_for() was asked last
    std::optional<Time> behind_since_;  // replies have waited since, and none was taken
    bool input_ended_ = false;
    bool closing_ = false;
    std::string bytes_;  // the first input: what another version has left
    bool end_ = false;
    std::vector<NamedWatch> handed_watches_;  // until it starts
    Watches watches_{*this};
};

}  // namespace weir::resp
