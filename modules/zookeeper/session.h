#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/net/address.h"
#include "core/run/container.h"
#include "core/simulation/boot_clock.h"
#include "core/stream/byte_stream.h"
#include "core/tls/tls_context.h"
#include "modules/zookeeper/credentials.h"
#include "modules/zookeeper/error.h"
#include "modules/zookeeper/events.h"
#include "modules/zookeeper/pending.h"
#include "modules/zookeeper/server_list.h"
#include "modules/zookeeper/session_key.h"
#include "modules/zookeeper/transaction.h"
#include "modules/zookeeper/validity.h"
#include "modules/zookeeper/watch.h"

namespace weir::zookeeper {

// The deadline of a request that has none of its own: SessionOptions::request_timeout from when it
// is made.
inline constexpr Time usual_deadline = Time::min();

struct SessionOptions {
    // "tcp://host:2181", "tls://host:2281", or "host".
    std::vector<std::string> servers = {};
    // How long the servers keep the session without a sign of life. They may grant less or more.
    Duration timeout = std::chrono::seconds(10);
    // All paths are below this node, which must be there ("chroot"); empty: the root.
    std::string root = {};
    Duration request_timeout = std::chrono::seconds(10);
    std::vector<Credentials> credentials = {};
    // The longest message that a server may send. A server's own limit is 1 MiB for each node.
    std::size_t max_message = 8 * 1024 * 1024;
    // For tls:// servers; see ConnectOptions.
    std::shared_ptr<TlsContext> tls = {};
    // A session to go on with, as that of a process that was killed; without, a new one begins.
    // When that session has expired, this object is closed.
    std::optional<SessionKey> resumed = {};
    // Is told of each session that begins.
    std::function<void(const SessionKey& session)> began = {};
    // Connects to a server, for tests; empty: weir::connect().
    std::function<Task<ByteStream::Owner>(Scheduler& scheduler, Address server)> connect = {};
};

struct Node {
    std::string data;
    Stat stat;
};
struct Created {
    std::string path;  // with the digits of a sequential node
    Stat stat;
};
struct Children {
    std::vector<std::string> names;  // in no order
    Stat stat;                       // of the parent
};

// A session with a group of ZooKeeper servers, in coroutines on a scheduler:
//
//     SessionOptions options{.servers = {"zk1", "zk2", "zk3"}};
//     Session session(scheduler, options);
//     co_await session.create("/greeting", "hello");
//     const Node node = co_await session.get("/greeting");
//
// It connects at once, and goes over to another server when one fails or falls silent. When the
// servers let the session expire, which a client learns only when it reaches one again, a new one
// begins: ephemeral nodes and watches of the old one are gone, and requests that waited fail. A
// request that is made while there is no connection waits for one, up to its deadline. All that is
// thrown by a request is an Error (error.h); a wrong path throws std::invalid_argument.
//
// The session writes at least every sixth of its timeout (a transaction that checks that '/' is
// there, and changes nothing) and so knows until when it certainly lives: valid_until(). A
// connection that does not acknowledge such a write within a third of the timeout is given up.
//
// Sends SessionEvents and NodeEvents. Belongs to the scheduler's thread. Must outlive the requests
// that are made of it, but may be closed while they wait.
class Session final : private Container, private Requests::Owner {
public:
    // Throws AddressError, or std::invalid_argument for other wrong options.
    Session(Scheduler& scheduler, SessionOptions options);
    // Tells the servers that the session ends, without waiting for their answer.
    ~Session() override;

    using Container::scheduler;

    // A random text that tells this object's events from those of others.
    const std::string& name() const noexcept { return name_; }
    SessionState state() const noexcept { return state_; }
    // Waits until the session is connected. Throws UnavailableError at the deadline, and
    // ClosedError if it never will be.
    Task<> connected(Time deadline = usual_deadline);

    // The present session's number; 0: there was none yet, or it has expired. Nodes that the
    // session has made have it as `ephemeral_owner`.
    std::int64_t id() const noexcept { return id_; }
    // What the servers have granted.
    Duration timeout() const noexcept { return validity_.timeout(); }
    // The server that it is connected to; empty: none.
    const std::string& server() const noexcept { return server_; }
    // Until when the session id() certainly lives, whatever happens from now on; see Validity. To
    // be compared with the clock where it matters: no event says that it has passed.
    BootTime valid_until() const noexcept { return validity_.until(); }
    bool valid() const noexcept { return boot_time(scheduler().poller()) < valid_until(); }

    // --- requests. A path begins with '/'.

    Pending<Created> create(const std::string& path, std::string data = {},
                            CreateMode mode = CreateMode::persistent,
                            const std::vector<Acl>& acl = open_acl(),
                            Time deadline = usual_deadline);
    Pending<Node> get(const std::string& path, Time deadline = usual_deadline);
    Pending<Node> get(const std::string& path, Watch& watch, Time deadline = usual_deadline);
    // Returns nothing if there is no such node; a watch then waits for it.
    Pending<std::optional<Stat>> exists(const std::string& path, Time deadline = usual_deadline);
    Pending<std::optional<Stat>> exists(const std::string& path, Watch& watch,
                                        Time deadline = usual_deadline);
    Pending<Children> children(const std::string& path, Time deadline = usual_deadline);
    Pending<Children> children(const std::string& path, Watch& watch,
                               Time deadline = usual_deadline);
    // `version`: that the node must have; -1: any.
    Pending<Stat> set(const std::string& path, std::string data, std::int32_t version = -1,
                      Time deadline = usual_deadline);
    Pending<void> remove(const std::string& path, std::int32_t version = -1,
                         Time deadline = usual_deadline);
    // Lets the server that it is connected to catch up with the leader: a read behind it sees all
    // that was done before.
    Pending<void> sync(const std::string& path, Time deadline = usual_deadline);
    // Does all operations or none. Throws RefusedError with the code of the one that failed.
    Pending<std::vector<OperationResult>> commit(const Transaction& transaction,
                                                 Time deadline = usual_deadline);
    // Makes a node and, before it, those of its parents that are missing.
    Task<> create_all(std::string path, CreateMode mode = CreateMode::persistent,
                      Time deadline = usual_deadline);

    // Ends the session: the servers delete its ephemeral nodes at once, if they can be reached
    // before the deadline, and else when it expires. All requests fail from now on.
    Task<> close(Time deadline = usual_deadline);

private:
    struct Connected;

    void request_waits() noexcept override { flush(); }
    void flush() noexcept;
    Time deadline_of(Time given) const;
    template <class T>
    Pending<T> request(typename Pending<T>::Decode decode, Question question, Time deadline) {
        return Pending<T>(requests_, chroot_, decode, std::move(question), deadline_of(deadline));
    }
    Question read_question(OpCode operation, std::string_view verb, const std::string& path,
                           Watch* watch, WatchKind kind) const;

    // --- session_connection.cpp

    Task<> run();
    Task<> keep_connected();
    Task<> serve(Address server);
    Task<ByteStream::Owner> connect(Address server);
    Task<> shake_hands(ByteStream& stream);
    Task<> log_in(ByteStream& stream);
    Task<std::string> ask_login(ByteStream& stream, std::string token, Time deadline);
    void begin(ByteStream& stream);
    Task<> read_replies(ByteStream& stream);
    void handle(std::string_view frame);
    void notify(WireReader& reader);
    Task<> keep_alive();
    Task<> write_regularly();
    void give_up(ByteStream& stream) const noexcept;
    void lose_connection(const std::string& reason);
    void expire();
    void end(SessionState state, const std::string& reason);
    void change(SessionState state, const std::string& reason = {});

    const SessionOptions options_;
    const std::string name_;
    const Chroot chroot_;
    ServerList servers_;
    SessionState state_ = SessionState::connecting;
    std::int64_t id_ = 0;
    std::string password_;
    std::int64_t last_zxid_ = 0;
    Validity validity_;
    std::string server_;
    bool told_obstacle_ = false;    // the log says that no server can be reached
    ByteStream* stream_ = nullptr;  // while requests can be sent
    std::string broken_;            // why the connection is given up; empty: it is not
    Watches watches_;
    Requests requests_;
};

}  // namespace weir::zookeeper
