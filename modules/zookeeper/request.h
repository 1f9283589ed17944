#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/simulation/boot_clock.h"
#include "core/wait/pending_result.h"
#include "modules/zookeeper/records.h"
#include "modules/zookeeper/watch.h"

namespace weir::zookeeper {

class Requests;

// What a server answered, encoded; nothing: the node is not there, which only `exists` takes for an
// answer.
using Reply = std::optional<std::string>;

// What a request asks.
struct Question {
    OpCode operation = OpCode::error;
    std::string_view verb;  // for messages: "creating"
    std::string path;       // for messages: as the user knows it
    std::string body;       // encoded, behind the header
    bool writes = false;
    // Armed when the node was read, or, for `existence`, is not there.
    Watch* watch = nullptr;
    WatchKind watch_kind = WatchKind::data;
    std::string watched_path = {};

    // Returns "creating '/a'".
    std::string doing() const { return std::string(verb) + " '" + path + '\''; }
};

// A request from when it is made until it has an answer or has failed. Lives in the frame of the
// coroutine that makes it; when it is destroyed before, its answer is dropped.
class Request : public PendingResult<Reply>, public Link<Request, Requests> {
public:
    Request(Requests& requests, Question question, Time deadline);
    ~Request();

    const Question& question() const noexcept { return question_; }
    bool done() const noexcept { return requests_ == nullptr; }
    // Returns the answer, once. Throws the Error with which it has failed. Requires done().
    Reply take_reply();
    // Fails it, because the deadline is reached.
    void time_out();

private:
    friend class Requests;

    void leave() noexcept override { requests_ = nullptr; }

    Requests* requests_;  // null: it has an answer, or has failed
    const Question question_;
    bool sent_ = false;
};

// The requests of a session: those that wait to be sent, and those that wait for an answer.
// Servers answer in the order in which requests were sent, so that many can be under way.
class Requests {
public:
    class Owner {
    public:
        // A request waits to be sent.
        virtual void request_waits() noexcept = 0;

    protected:
        ~Owner() = default;
    };

    Requests(Owner& owner, Watches& watches) noexcept : owner_(owner), watches_(watches) {}
    Requests(const Requests&) = delete;
    Requests& operator=(const Requests&) = delete;
    ~Requests();

    // Returns the frames of all that wait, which count as sent from now on; those whose deadline
    // has passed fail instead. `server` is for messages.
    std::string send_all(Time now, BootTime sent, const std::string& server);
    bool any_waits() const noexcept { return !waiting_.empty(); }
    bool any_sent() const noexcept { return !sent_.empty(); }

    // Hands an answer to its request, and arms its watch. Returns when the request was sent if it
    // was a write that was done. Throws WireError if another answer is expected, or none.
    std::optional<BootTime> answered(const ReplyHeader& header, std::string_view body);

    // The connection was lost: writes that were sent fail with InDoubtError, reads wait to be sent
    // again, before the others.
    void connection_lost(const std::string& reason) noexcept;
    // Fails all that wait with an error of this class; its text says what was to be done, and why
    // not. Requires that none is sent.
    template <class E>
    void fail_waiting(const std::string& why) noexcept {
        while (!waiting_.empty()) {
            Request& request = waiting_.pop_front();
            request.fail_as<E>([&] { return request.question().doing() + ": " + why; });
        }
    }
    // From now on all requests fail so.
    void refuse(std::string why) noexcept;
    // Why no server answers at present, for messages; empty: one does.
    void set_obstacle(std::string obstacle) { obstacle_ = std::move(obstacle); }

private:
    friend class Request;

    struct Sent {
        std::int32_t xid;
        Request* request;  // null: it is gone
        BootTime at;
        bool writes;
    };

    void add(Request& request);
    void settle(Request& request, Code code, std::string_view body);
    void forget(Request& request) noexcept;
    std::string timeout_text(const Request& request) const;

    Owner& owner_;
    Watches& watches_;
    List<Request, Requests> waiting_;
    std::deque<Sent> sent_;
    std::int32_t last_xid_ = 0;
    std::string server_;
    std::string obstacle_;
    std::string refusal_;  // empty: none
};

}  // namespace weir::zookeeper
