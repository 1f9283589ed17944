#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/wait/pending_result.h"
#include "modules/redis/command.h"
#include "modules/redis/reply.h"

namespace weir::redis {

class Requests;

// A command from when it is made until it has a reply or has failed. Lives in the frame of the
// coroutine that makes it; when it is destroyed before, its reply is dropped.
class Request : public PendingResult<Reply>, public Link<Request, Requests> {
public:
    Request(Requests& requests, Command command, Time deadline);
    ~Request();

    const Command& command() const noexcept { return command_; }
    bool done() const noexcept { return requests_ == nullptr; }
    // Returns the reply, once. Throws the Error with which it has failed, or a ServerError if the
    // reply is one. Requires done().
    Reply take_reply();
    // Fails it, because the deadline is reached.
    void time_out();

private:
    friend class Requests;

    void leave() noexcept override;

    Requests* requests_;  // null: it has a reply, or has failed
    Command command_;
    bool is_sent_ = false;
    std::string server_;  // that has replied
};

// A command that is under way. Awaiting it returns the reply, or throws an Error. Several that are
// made before the first is awaited are sent at once. One that is destroyed before it has a reply
// may be executed nevertheless.
class [[nodiscard]] PendingReply : public Request {
public:
    using Request::Request;

    class Awaiter final : public WaitForResult<PendingReply> {
    public:
        explicit Awaiter(PendingReply& request) noexcept : WaitForResult(request) {}

        Reply await_resume() { return finish_request().take_reply(); }
        std::string describe() const override { return "a reply to " + request().command().name(); }
    };
    Awaiter operator co_await() noexcept { return Awaiter(*this); }
};

// The commands of a client: those that wait to be sent, and those that wait for a reply. A server
// replies in the order in which commands were sent, so that many can be under way.
class Requests {
public:
    class Owner {
    public:
        // A command waits to be sent.
        virtual void request_waits() noexcept = 0;

    protected:
        ~Owner() = default;
    };

    Requests(Owner& owner, std::size_t most) noexcept : owner_(owner), most_(most) {}
    Requests(const Requests&) = delete;
    Requests& operator=(const Requests&) = delete;
    ~Requests();

    // How many have neither a reply nor failed.
    std::size_t size() const noexcept { return size_; }
    std::uint64_t sent() const noexcept { return sent_in_all_; }
    std::uint64_t in_doubt() const noexcept { return in_doubt_; }
    // The reply that the server owes: since when, and until when it may take.
    struct Owed {
        Time since;
        Time deadline;
    };
    // Nothing: it owes none.
    std::optional<Owed> owed() const noexcept {
        return sent_.empty() ? std::nullopt : std::optional(sent_.front().owed);
    }

    // Returns the bytes of all that wait, which count as sent from now on; those whose deadline has
    // passed fail instead.
    std::string send_all(Time now);
    // A reply will come that nobody waits for.
    void expect_any(Time now) { sent_.push_back({nullptr, {now, now}}); }
    // Gives the reply to its command. Throws ReplyError if none waits for one.
    void answered(Reply reply);

    // From now on they are sent to this server.
    void set_server(std::string server) { server_ = std::move(server); }
    // The connection was lost: those that were sent fail with InDoubtError, or wait to be sent
    // again, before the others, if they are safe to repeat.
    void connection_lost(const std::string& reason) noexcept;
    // Why nothing is sent at present, for messages; empty: it is.
    void set_obstacle(std::string obstacle) { obstacle_ = std::move(obstacle); }
    const std::string& obstacle() const noexcept { return obstacle_; }

private:
    friend class Request;

    struct Sent {
        Request* request;  // null: it is gone
        Owed owed;
    };

    void add(Request& request);
    void forget(Request& request) noexcept;
    std::string doing(const Request& request) const {
        return request.command().name() + " on " + server_;
    }

    Owner& owner_;
    const std::size_t most_;
    std::size_t size_ = 0;
    std::uint64_t sent_in_all_ = 0;
    std::uint64_t in_doubt_ = 0;
    List<Request, Requests> waiting_;
    std::deque<Sent> sent_;
    std::string server_;
    std::string obstacle_;
    bool closed_ = false;
};

}  // namespace weir::redis
