#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "core/run/container.h"
#include "core/run/task.h"
#include "core/wait/condition.h"
#include "core/wait/slots.h"
#include "modules/http/http_client.h"
#include "modules/webhook/outgoing.h"
#include "modules/webhook/settings.h"

namespace weir::webhook {

// Why a request was not delivered.
struct Failure {
    std::string message;
    int status = 0;  // 0: there was no answer
    bool is_final = false;
    std::optional<Duration> retry_after;
};

// Says what a receiver has answered that is no success, with the beginning of its reason.
std::string refusal_text(const http::ClientResponse& response);

// Delivers requests to one address: in the order in which they came, so many at a time, each again
// and again until it is taken or has failed for good. At least once: a request whose answer was
// lost is sent again, with the same id.
class Receiver {
public:
    // Called when a request has failed for good.
    using GiveUp = std::function<Task<>(const Receiver&, const Outgoing&, const Failure&,
                                        std::uint32_t tries)>;

    struct Counts {
        std::uint64_t delivered = 0;
        std::uint64_t failed = 0;
        std::uint64_t retries = 0;
    };

    // The client must outlive the receiver, and so must `ended`, which is notified when a request
    // has left it. `secret`: "" if requests are not signed.
    Receiver(Scheduler& scheduler, http::HttpClient& client, Condition& ended, std::string name,
             ReceiverSettings settings, std::string secret, GiveUp give_up);
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

    const std::string& name() const noexcept { return name_; }
    const ReceiverSettings& settings() const noexcept { return settings_; }
    const Counts& counts() const noexcept { return counts_; }
    // What is not delivered yet: waits, or is under way.
    std::size_t waiting() const noexcept { return waiting_.size(); }
    std::size_t running() const noexcept { return running_.size(); }

    // co_await receiver.add(request): returns when there is room for the request. A caller that is
    // closed before has sent nothing.
    Task<> add(Outgoing request);
    // Sends a request at once, and once. Throws http::ClientError and std::invalid_argument.
    Task<http::ClientResponse> ask(Outgoing request);

    void change(ReceiverSettings settings, std::string secret);
    // Begins to deliver, at first or after stop().
    void begin();
    // Cuts off what is under way, and returns all that is not delivered, in its order, without the
    // requests whose callers wait for room, also if they get it in this moment.
    std::vector<Outgoing> stop();
    // Takes over what another receiver has returned, whether or not there is room.
    void take_over(std::vector<Outgoing> requests);

    // Throws std::invalid_argument if the path leads away from the receiver's address.
    std::string url_with(const std::string& path) const;

private:
    struct Entry {
        Entry(Outgoing of_caller, Slots& room, Slots::Turn turn)
            : request(std::move(of_caller)),
              place(std::in_place, room, turn),
              entered(turn == Slots::Turn::none) {}

        const Outgoing request;
        std::optional<Slots::Ticket> place;  // while it waits
        // Whether it has room, and its caller does not wait for that any more: until then the
        // caller's routine uses the ticket, also when that is granted.
        bool entered;
    };
    using Entries = std::list<Entry>;

    void start_workers(std::size_t most);
    void start_all_workers();
    Task<> work();
    Task<> deliver(const Outgoing& request);
    Task<std::optional<Failure>> try_once(const Outgoing& request);
    http::ClientRequest make(const Outgoing& request) const;

    Scheduler& scheduler_;
    http::HttpClient& client_;
    Condition& ended_;
    const std::string name_;
    ReceiverSettings settings_;
    std::string secret_;
    const GiveUp give_up_;
    Counts counts_;
    bool begun_ = false;
    Slots room_;
    Entries waiting_;
    Entries running_;
    std::size_t workers_ = 0;
    Container container_;  // of the workers; ends before what they use
};

}  // namespace weir::webhook
