#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/list.h"
#include "core/net/address.h"
#include "core/net/protocol.h"
#include "core/queue/queue.h"
#include "core/wait/long_work.h"
#include "modules/resp/handed_session.h"
#include "modules/resp/parser.h"
#include "modules/resp/session.h"
#include "modules/resp/settings.h"
#include "modules/system/module/module_log.h"
#include "modules/system/rights/access.h"

namespace weir {
class EventExchange;
}

namespace weir::resp {

// Where clients come in, and what they may do before they log in.
struct Door {
    std::vector<SocketAddress> addresses;  // where it listens, with real ports
    std::vector<std::string> anonymous;    // roles
    std::vector<std::string> owner;        // roles of the owner; empty: those of all clients
};

// The Redis protocol, for the connections of all addresses where the module listens. Each
// connection has a Session.
class RespProtocol final : public Protocol, public SessionTaker {
public:
    // The log, the access and the exchange must outlive this; the settings too, or be replaced
    // before.
    RespProtocol(Scheduler& scheduler, const ModuleLog& log, Access& access,
                 const RespSettings& settings, EventExchange& events);
    ~RespProtocol() override;

    const ModuleLog& log() const noexcept { return log_; }
    // The name of the module, as the events of its clients have it.
    const IndexValue& module() const noexcept { return module_; }
    Access& access() const noexcept { return access_; }
    const RespSettings& settings() const noexcept { return *settings_; }
    void set_settings(const RespSettings& settings) noexcept { settings_ = &settings; }
    EventExchange& events() const noexcept { return events_; }
    RequestLimits request_limits(const Caller& caller) const;
    Time started_at() const noexcept { return seat_->started_at; }

    // The most clients at a time: the setting, or fewer if the process cannot open so many sockets.
    std::size_t max_clients() const noexcept { return max_clients_; }
    void set_max_clients(std::size_t most) noexcept { max_clients_ = most; }

    // Takes the doors by which clients come.
    void set_doors(std::vector<Door> doors) { doors_ = std::move(doors); }
    // Returns who a client is that has not logged in: by the door by which it came, and by the user
    // as whom it runs, if it is on this machine. One that came by no known door may do nothing.
    Ref<Caller> greet(Connection& connection) const;
    // Returns the user of the module's own password; nothing if it has none.
    std::optional<OwnUser> own_user() const;

    // Clients that are connected and served by this version of the plugin, in the order in which
    // they connected.
    const List<Session, RespProtocol>& sessions() const noexcept { return sessions_; }
    // Visits the sessions, with waits between them.
    class Visit;
    // Where commands wait that take long.
    const Ref<LongWork>& long_work() const noexcept { return long_work_; }
    // Number of clients that are connected, of all versions.
    std::size_t clients() const noexcept { return seat_->clients; }

    // --- counters, since the start

    std::uint64_t connections() const noexcept { return seat_->connections; }
    std::uint64_t refused() const noexcept { return seat_->refused; }  // too many clients
    std::uint64_t commands() const noexcept { return seat_->commands; }

    // --- for sessions

    void count_command() noexcept { ++seat_->commands; }
    // Logs that a client is closed because it speaks another protocol than RESP.
    void warn_of_other_protocol(const Connection& connection, std::string_view name);
    // Counts a client of the address from which the connection comes, as long as the result lives;
    // nothing for a Unix socket.
    std::optional<FromAddress> count(const Connection& connection) const;
    void leave(Session& session) noexcept;

    // --- for a version that replaces another

    const Ref<RespSeat>& seat() const noexcept { return seat_; }
    // To be called when another version hands over to this one, or back: from now on this is the
    // newest.
    void sit_down(Ref<RespSeat> seat) noexcept;
    // Whether there is a newer version, which takes the clients.
    bool replaced() const noexcept { return seat_->newest != nullptr && seat_->newest != this; }
    // Takes all clients that are between two requests out of this version. The other clients follow
    // when their request is answered: hand_on.
    std::vector<HandedSession> hand_over();
    void hand_on(HandedSession session) { seat_->newest->take(std::move(session)); }
    void take(HandedSession session) override;

    // Describes the queue that the input of clients needs: a few events for each client.
    static QueueOptions request_queue();

    std::size_t parse(Connection& connection, const Input& input, Events& events) override;
    Task<> init(Connection& connection) override;
    Task<> input_ended(Connection& connection) override;
    Task<> keepalive(Connection& connection) override;
    Task<> closed(Connection& connection, CloseReason reason) override;
    Task<> error(Connection& connection, const SocketError& error) override;
    std::string refusal(SocketServer& server) override;

private:
    static ConnectionOptions connection_options(const RespSettings& settings);
    std::string why_refused(Connection& connection) const;
    // Counts a client that is refused; returns the reply.
    std::string refuse(Time now, std::string_view why);
    void warn_of_refusals(Time now);

    const ModuleLog& log_;
    const IndexValue module_;
    Access& access_;
    std::vector<Door> doors_;
    const RespSettings* settings_;
    EventExchange& events_;
    std::size_t max_clients_;
    std::optional<Time> warned_at_;  // of clients that were refused
    std::optional<Time> warned_of_other_at_;
    std::uint64_t not_warned_of_other_ = 0;
    List<Session, RespProtocol> sessions_;
    List<Visit> visits_;
    Ref<RespSeat> seat_;
    Ref<LongWork> long_work_;
};

// Visits the sessions that are there at its beginning and still there at their turn, in their
// order. The visitor may wait between two of them. The protocol must outlive this.
class RespProtocol::Visit : public Link<Visit> {
public:
    explicit Visit(RespProtocol& protocol) noexcept;

    // Returns the next session, valid until the next wait; null at the end.
    Session* next() noexcept;

private:
    friend class RespProtocol;

    RespProtocol& protocol_;
    const std::uint64_t newest_;  // later clients have larger numbers
    Session* next_;
};

}  // namespace weir::resp
