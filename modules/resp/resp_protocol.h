#pragma once

#include <cstdint>

#include "core/list.h"
#include "core/net/protocol.h"
#include "core/queue.h"
#include "modules/resp/resp_parser.h"
#include "modules/resp/resp_settings.h"
#include "modules/resp/session.h"

namespace weir::resp {

// The Redis protocol, for the connections of all servers that listen for it. Each has a Session.
class RespProtocol final : public Protocol {
public:
    // The settings must outlive this; those that are not fixed may change.
    RespProtocol(Scheduler& scheduler, const RespSettings& settings);
    ~RespProtocol() override;

    const RespSettings& settings() const noexcept { return settings_; }
    RequestLimits request_limits() const noexcept;
    Time started_at() const noexcept { return started_at_; }

    // Clients that are connected, in the order in which they came.
    const List<Session, RespProtocol>& sessions() const noexcept { return sessions_; }
    std::size_t clients() const noexcept { return clients_; }

    // --- counters, since the start

    std::uint64_t connections() const noexcept { return last_id_; }
    std::uint64_t refused() const noexcept { return refused_; }  // too many clients
    std::uint64_t commands() const noexcept { return commands_; }

    // --- for sessions

    void count_command() noexcept { ++commands_; }
    void leave(Session& session) noexcept {
        sessions_.remove(session);
        --clients_;
    }

    // The queue that the requests of its clients need: a few for each.
    static QueueOptions request_queue();

    std::size_t parse(Connection& connection, const Input& input, Events& events) override;
    Task<> init(Connection& connection) override;
    Task<> input_ended(Connection& connection) override;
    Task<> keepalive(Connection& connection) override;
    Task<> closed(Connection& connection, CloseReason reason) override;
    Task<> error(Connection& connection, const SocketError& error) override;

private:
    static ConnectionOptions connection_options(const RespSettings& settings);

    const RespSettings& settings_;
    const Time started_at_;
    List<Session, RespProtocol> sessions_;
    std::size_t clients_ = 0;
    std::uint64_t last_id_ = 0;
    std::uint64_t refused_ = 0;
    std::uint64_t commands_ = 0;
};

}  // namespace weir::resp
