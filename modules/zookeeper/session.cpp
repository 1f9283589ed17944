#include "modules/zookeeper/session.h"

#include <stdexcept>

#include "core/run/random_id.h"
#include "core/run/scheduler.h"
#include "core/wait/timeout.h"
#include "modules/zookeeper/wire.h"

namespace weir::zookeeper {
namespace {

template <class... T>
std::string encode(const T&... values) {
    return frame_of(values...).substr(4);
}

template <class R>
R decode(const Reply& reply) {
    WireReader reader(*reply);
    R record = reader.take<R>();
    reader.require_end();
    return record;
}

void decode_nothing(Reply, const Chroot&) {}

Node decode_node(Reply reply, const Chroot&) {
    auto record = decode<DataReply>(reply);
    return {std::move(record.data), record.stat};
}

std::optional<Stat> decode_existence(Reply reply, const Chroot&) {
    return reply ? std::optional(decode<Stat>(reply)) : std::nullopt;
}

Children decode_children(Reply reply, const Chroot&) {
    auto record = decode<ChildrenReply>(reply);
    return {std::move(record.children), record.stat};
}

Created decode_created(Reply reply, const Chroot& chroot) {
    auto record = decode<CreateReply>(reply);
    return {chroot.inside(std::move(record.path)), record.stat};
}

Stat decode_stat(Reply reply, const Chroot&) {
    return decode<Stat>(reply);
}

// A transaction that fails is answered like one that is done, with a code for each operation.
std::vector<OperationResult> decode_results(Reply reply, const Chroot& chroot) {
    std::vector<OperationResult> results = read_results(*reply);
    for (std::size_t i = 0; i != results.size(); ++i) {
        OperationResult& result = results[i];
        if (result.code != Code::ok && result.code != Code::rolled_back) {
            throw RefusedError("operation " + std::to_string(i + 1) + " of a transaction",
                               result.code);
        }
        result.path = chroot.inside(std::move(result.path));
    }
    return results;
}

void encode_operation(const Transaction::Operation& operation, std::string path,
                      WireWriter& writer) {
    writer(MultiHeader{operation.code, false, Code::system_error});
    switch (operation.code) {
        case OpCode::create:
        case OpCode::create_container:
            writer(CreateRequest{std::move(path), operation.data, operation.acl,
                                 static_cast<std::int32_t>(operation.mode)});
            break;
        case OpCode::set_data:
            writer(SetDataRequest{std::move(path), operation.data, operation.version});
            break;
        default:
            writer(VersionRequest{std::move(path), operation.version});
    }
}

}  // namespace

std::string_view to_string(SessionState state) noexcept {
    switch (state) {
        case SessionState::connecting:
            return "connecting";
        case SessionState::connected:
            return "connected";
        case SessionState::disconnected:
            return "disconnected";
        case SessionState::expired:
            return "expired";
        case SessionState::closed:
            return "closed";
        case SessionState::refused:
            return "refused";
    }
    return "unknown";
}

Session::Session(Scheduler& scheduler, SessionOptions options)
    : Container(scheduler),
      options_(std::move(options)),
      name_(random_id(scheduler.poller())),
      chroot_(options_.root),
      servers_(options_.servers, std::min(options_.timeout / 6, Duration(std::chrono::seconds(1))),
               scheduler.poller()),
      requests_(*this, watches_) {
    if (options_.timeout < std::chrono::milliseconds(1)) {
        throw std::invalid_argument("the timeout of a ZooKeeper session must be positive");
    }
    if (std::string wrong = wrong_credentials(options_.credentials); !wrong.empty()) {
        throw std::invalid_argument("the credentials of a ZooKeeper session: " + wrong);
    }
    if (options_.resumed) {
        id_ = options_.resumed->id;
        password_ = options_.resumed->password;
    }
    start(run(), {.name = "zookeeper.session", .daemon = true});
}

Session::~Session() {
    if (stream_ != nullptr) {
        try {
            stream_->queue_output(frame_of(RequestHeader{0, OpCode::close_session}));
            stream_->flush();
        } catch (...) {
            Container::scheduler().log_exception("a ZooKeeper session was not closed");
        }
    }
    stream_ = nullptr;
    Container::close();
}

Time Session::deadline_of(Time given) const {
    return given == usual_deadline ? scheduler().now() + options_.request_timeout : given;
}

Task<> Session::connected(Time deadline) {
    const Time until = deadline_of(deadline);
    const MatcherOf<SessionEvent> changed = match<SessionEvent>(name_);
    while (state_ != SessionState::connected) {
        if (state_ == SessionState::closed || state_ == SessionState::refused) {
            throw ClosedError("the ZooKeeper session is " + std::string(to_string(state_)));
        }
        std::optional<Duration> left;
        if (until != no_deadline) {
            left = std::max(until - scheduler().now(), Duration::zero());
        }
        if (!co_await wait_with_timeout(left, changed)) {
            throw UnavailableError("no ZooKeeper server could be reached of " + servers_.text());
        }
    }
}

// --- requests

Question Session::read_question(OpCode operation, std::string_view verb, const std::string& path,
                                Watch* watch, WatchKind kind) const {
    check_path(path);
    std::string outside = chroot_.outside(path);
    std::string body = encode(ReadRequest{outside, watch != nullptr});
    return {operation, verb, path, std::move(body), false, watch, kind, std::move(outside)};
}

Pending<Created> Session::create(const std::string& path, std::string data, CreateMode mode,
                                 const std::vector<Acl>& acl, Time deadline) {
    check_path(path);
    const CreateRequest body{chroot_.outside(path), std::move(data), acl,
                             static_cast<std::int32_t>(mode)};
    return request<Created>(
        decode_created,
        {mode == CreateMode::container ? OpCode::create_container : OpCode::create2, "creating",
         path, encode(body), true},
        deadline);
}

Pending<Node> Session::get(const std::string& path, Time deadline) {
    return request<Node>(decode_node,
                         read_question(OpCode::get_data, "reading", path, nullptr, WatchKind::data),
                         deadline);
}

Pending<Node> Session::get(const std::string& path, Watch& watch, Time deadline) {
    return request<Node>(decode_node,
                         read_question(OpCode::get_data, "reading", path, &watch, WatchKind::data),
                         deadline);
}

Pending<std::optional<Stat>> Session::exists(const std::string& path, Time deadline) {
    return request<std::optional<Stat>>(
        decode_existence,
        read_question(OpCode::exists, "looking for", path, nullptr, WatchKind::existence),
        deadline);
}

Pending<std::optional<Stat>> Session::exists(const std::string& path, Watch& watch, Time deadline) {
    return request<std::optional<Stat>>(
        decode_existence,
        read_question(OpCode::exists, "looking for", path, &watch, WatchKind::existence), deadline);
}

Pending<Children> Session::children(const std::string& path, Time deadline) {
    return request<Children>(
        decode_children,
        read_question(OpCode::get_children, "listing", path, nullptr, WatchKind::children),
        deadline);
}

Pending<Children> Session::children(const std::string& path, Watch& watch, Time deadline) {
    return request<Children>(
        decode_children,
        read_question(OpCode::get_children, "listing", path, &watch, WatchKind::children),
        deadline);
}

Pending<Stat> Session::set(const std::string& path, std::string data, std::int32_t version,
                           Time deadline) {
    check_path(path);
    const SetDataRequest body{chroot_.outside(path), std::move(data), version};
    return request<Stat>(decode_stat, {OpCode::set_data, "writing", path, encode(body), true},
                         deadline);
}

Pending<void> Session::remove(const std::string& path, std::int32_t version, Time deadline) {
    check_path(path);
    const VersionRequest body{chroot_.outside(path), version};
    return request<void>(decode_nothing, {OpCode::remove, "deleting", path, encode(body), true},
                         deadline);
}

// Counts as a read, because it changes nothing: it is sent again when the connection is lost.
Pending<void> Session::sync(const std::string& path, Time deadline) {
    check_path(path);
    const PathRecord body{chroot_.outside(path)};
    return request<void>(decode_nothing, {OpCode::sync, "syncing", path, encode(body), false},
                         deadline);
}

Pending<std::vector<OperationResult>> Session::commit(const Transaction& transaction,
                                                      Time deadline) {
    WireWriter writer;
    for (const Transaction::Operation& operation : transaction.operations()) {
        check_path(operation.path);
        encode_operation(operation, chroot_.outside(operation.path), writer);
    }
    writer(MultiHeader::end());
    std::string first =
        transaction.operations().empty() ? "" : transaction.operations().front().path;
    return request<std::vector<OperationResult>>(
        decode_results,
        {OpCode::multi, "committing a transaction at", std::move(first),
         writer.take_frame().substr(4), true},
        deadline);
}

Task<> Session::create_all(std::string path, CreateMode mode, Time deadline) {
    check_path(path);
    const Time until = deadline_of(deadline);
    for (std::size_t end = path == "/" ? path.size() : 0; end != path.size();) {
        end = std::min(path.find('/', end + 1), path.size());
        const std::string part = path.substr(0, end);
        auto found = co_await exists(part, until);
        if (!found) {
            try {
                const bool last = end == path.size();
                auto creating = create(part, std::string(), last ? mode : CreateMode::persistent,
                                       open_acl(), until);
                co_await creating;
            } catch (const RefusedError& error) {
                if (error.code() != Code::node_exists) {
                    throw;
                }
            }
        }
    }
}

Task<> Session::close(Time deadline) {
    if (stream_ != nullptr && state_ == SessionState::connected) {
        try {
            auto closing = request<void>(
                decode_nothing, {OpCode::close_session, "closing the session of", "/", {}, true},
                deadline);
            co_await closing;
        } catch (const Error& error) {
            Container::scheduler().log(LogLevel::warning, error.what(), "zookeeper");
        }
    }
    if (state_ != SessionState::closed && state_ != SessionState::refused) {
        end(SessionState::closed, "the session was closed");
    }
}

}  // namespace weir::zookeeper
