#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/net/address.h"
#include "core/run/container.h"
#include "core/stream/byte_stream.h"
#include "core/stream/memory_stream.h"
#include "modules/zookeeper/session.h"
#include "modules/zookeeper/testing/fake_tree.h"

namespace weir::zookeeper {

class FakeServer;

struct FakeOptions {
    std::size_t servers = 3;
    // The unit of the servers' times; sessions may last from 2 to 20 ticks.
    Duration tick = std::chrono::milliseconds(500);
    // So many ticks a server goes on when it is cut off from the leader.
    int sync_limit = 5;
    int election = 2;  // so many ticks an election takes
    // A message from server to server takes up to so long, decided by the seed.
    Duration most_delay = std::chrono::milliseconds(3);
    // "user:password": clients have to log in by SASL as this user. Empty: no server knows SASL.
    std::string login = {};
    // Of the connections of clients.
    MemoryFaults streams = {};
    // How often the leader deletes empty containers.
    Duration container_check = std::chrono::minutes(1);
};

// A group of ZooKeeper servers in memory, for tests in virtual time. Clients speak the real
// protocol with them, over streams in memory: a Session that is made with options() does.
//
// It has what makes a group hard for clients: each server has its own copy of the nodes, which
// lags; a server that is cut off from the leader goes on answering reads and pings for a time; the
// leader alone decides when a session expires, and hears of it late. The functions below are
// faults; the scheduler's random numbers decide delays, so that a seed decides the run.
class FakeEnsemble : private Container {
public:
    explicit FakeEnsemble(Scheduler& scheduler, FakeOptions options = {});
    ~FakeEnsemble() override;

    // Returns options of a session with these servers.
    SessionOptions options(Duration timeout = std::chrono::seconds(5));

    // --- faults; servers count from 0

    std::size_t size() const noexcept { return servers_.size(); }
    std::size_t leader() const noexcept { return leader_; }
    // Ends a server's process: its clients get a reset. It keeps what it knows, as on disk.
    void stop(std::size_t server);
    void start(std::size_t server);
    // Cuts a server off from the other servers, not from clients.
    void cut(std::size_t server);
    // Cuts a server off from clients, silently: nothing arrives, and nothing fails.
    void cut_from_clients(std::size_t server);
    // Ends all cuts of a server.
    void heal(std::size_t server);
    // Closes the connections of all clients.
    void disconnect_clients();
    // Makes another server the leader, after an election.
    void move_leader();
    // The server applies what the leader has decided so much later.
    void set_lag(std::size_t server, Duration lag);
    // Does the next so many writes, but closes the connection instead of answering.
    void lose_answers(int writes) noexcept { answers_to_lose_ += writes; }
    // Ends a session as if its client had been silent.
    void expire(std::int64_t session);

    // --- what it has

    // Called for each session that the leader ends because it has not heard of it.
    std::function<void(std::int64_t session)> on_expiry;
    // The nodes as the leader knows them.
    const FakeTree& tree() const;
    bool is_alive(std::int64_t session) const { return sessions_.contains(session); }
    std::size_t sessions() const noexcept { return sessions_.size(); }
    // How many requests of this kind the servers have received.
    std::uint64_t received(OpCode operation) const;
    // Whether all servers have the same nodes.
    bool agrees() const;

private:
    friend class FakeServer;

    struct SessionRecord {
        std::string password;
        Duration timeout{};
        Time expires{};
        std::uint64_t connection = 0;  // that owns it
    };

    // Whether the server hears of the leader, and whether that has a majority.
    bool follows(const FakeServer& server) const;
    bool has_majority() const;
    Duration delay();
    // Appends to the log. Requires a majority.
    std::int64_t append(FakeEntry entry);
    void touch(std::int64_t session);
    void elect();
    void changed();
    Task<> wait_for_change();

    Task<ByteStream::Owner> connect(Scheduler& scheduler, std::size_t number);
    Task<> lead();
    Task<> hold_election();
    Task<> watch_cuts();

    const FakeOptions options_;
    std::vector<std::unique_ptr<FakeServer>> servers_;
    std::vector<FakeEntry> log_;
    FakeTree decided_;  // with the whole log
    std::map<std::int64_t, SessionRecord> sessions_;
    std::int64_t last_session_ = 0x100;
    std::uint64_t last_connection_ = 0;
    std::size_t leader_ = 0;
    bool electing_ = false;
    int answers_to_lose_ = 0;
    std::map<OpCode, std::uint64_t> received_;
    Source changed_;
};

}  // namespace weir::zookeeper
