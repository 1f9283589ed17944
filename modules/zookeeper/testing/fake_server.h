#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/run/container.h"
#include "core/stream/byte_stream.h"
#include "modules/zookeeper/testing/fake_ensemble.h"
#include "modules/zookeeper/testing/fake_tree.h"
#include "modules/zookeeper/wire.h"

namespace weir::zookeeper {

// One server of a FakeEnsemble: its copy of the nodes, and its clients.
class FakeServer : private Container {
public:
    FakeServer(FakeEnsemble& ensemble, std::size_t number);
    ~FakeServer() override;

    // Serves a client at this end of a stream.
    void serve(ByteStream::Owner stream);
    void disconnect_clients() noexcept;
    // As servers do when a session ends.
    void disconnect_session(std::int64_t session);
    // Sends what a cut has held.
    void release();
    // Applies what it has not yet of the log.
    Task<> follow();

    std::size_t number() const noexcept { return number_; }
    const FakeTree& tree() const noexcept { return tree_; }
    bool accepts() const noexcept { return running && serving; }

    bool running = true;
    bool serving = true;  // not looking for a leader
    bool cut = false;
    bool cut_from_clients = false;
    Time unheard_since{};  // of the leader, while it is cut off
    Duration lag{};
    std::set<std::int64_t> touched;  // sessions that the leader is to hear of

private:
    struct Client {
        ByteStream::Owner stream;
        Ref<Routine> routine;
        std::string held;      // what a cut keeps from the client
        bool closing = false;  // has asked for the end of its session
        std::uint64_t number = 0;
        std::int64_t session = 0;
        std::string nonce;  // of its login
        bool logged_in = false;
        std::set<std::string> data_watches;
        std::set<std::string> existence_watches;
        std::set<std::string> children_watches;
    };
    struct Gone {};  // thrown when a client is to be disconnected without an answer

    Task<> run_client(std::shared_ptr<Client> client);
    Task<> speak(Client& client);
    Task<std::string> read(Client& client);
    void write(Client& client, std::string frame);
    Task<> welcome(Client& client);
    Task<> answer(Client& client, std::string frame);
    Task<> answer_login(Client& client, RequestHeader header, std::string token);
    Task<> refuse(Client& client, RequestHeader header, Code code);
    bool must_log_in(const Client& client, OpCode operation) const;
    Task<> answer_write(Client& client, RequestHeader header, WireReader reader);
    void answer_read(Client& client, RequestHeader header, WireReader reader);
    void set_watches(Client& client, WireReader reader);
    void notify(const std::vector<FakeChange>& changes);
    void notify(Client& client, const FakeChange& change);
    // Waits until the leader, with a majority, hears this server.
    Task<> reach_leader();
    // Waits until this server has applied the entry; returns its results.
    Task<std::vector<OperationResult>> applied(std::int64_t zxid);
    std::vector<Transaction::Operation> operations_of(RequestHeader header, WireReader& reader);

    FakeEnsemble& ensemble_;
    const std::size_t number_;
    FakeTree tree_;
    std::size_t applied_ = 0;                            // entries of the log
    std::vector<std::vector<OperationResult>> results_;  // of each entry
    std::vector<std::shared_ptr<Client>> clients_;       // shared with their routines
};

}  // namespace weir::zookeeper
