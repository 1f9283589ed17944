#include "modules/zookeeper/testing/fake_server.h"

#include <algorithm>
#include <utility>

#include "core/run/random_id.h"
#include "core/run/scheduler.h"
#include "core/wait/timeout.h"
#include "modules/zookeeper/digest_login.h"
#include "modules/zookeeper/path.h"

namespace weir::zookeeper {
namespace {

constexpr std::size_t longest_frame = 1024 * 1024;
constexpr std::string_view refused_credentials = "nobody:wrong";

// The answer to one operation alone; that to a transaction has the same behind headers.
void write_result(const OperationResult& result, WireWriter& writer) {
    switch (result.operation) {
        case OpCode::create:
            writer(result.path);
            break;
        case OpCode::create2:
        case OpCode::create_container:
            writer(result.path, result.stat);
            break;
        case OpCode::set_data:
            writer(result.stat);
            break;
        case OpCode::error:
            writer(result.code);
            break;
        default:
            break;
    }
}

Transaction::Operation read_operation(OpCode code, WireReader& reader) {
    Transaction::Operation operation;
    operation.code = code;
    switch (code) {
        case OpCode::create:
        case OpCode::create2:
        case OpCode::create_container: {
            auto request = reader.take<CreateRequest>();
            operation.path = std::move(request.path);
            operation.data = std::move(request.data);
            operation.acl = std::move(request.acl);
            operation.mode = static_cast<CreateMode>(request.mode);
            break;
        }
        case OpCode::set_data:
            reader(operation.path, operation.data, operation.version);
            break;
        default:
            reader(operation.path, operation.version);
    }
    return operation;
}

}  // namespace

FakeServer::FakeServer(FakeEnsemble& ensemble, std::size_t number)
    : Container(static_cast<Container&>(ensemble).scheduler()),
      ensemble_(ensemble),
      number_(number) {
    start(follow(), {.name = "fake zookeeper follows", .daemon = true});
}

FakeServer::~FakeServer() {
    close();
}

void FakeServer::serve(ByteStream::Owner stream) {
    auto client = std::make_shared<Client>();
    client->stream = std::move(stream);
    client->number = ++ensemble_.last_connection_;
    clients_.push_back(client);
    client->routine = start(run_client(client), {.name = "fake zookeeper serves", .daemon = true});
}

void FakeServer::disconnect_clients() noexcept {
    for (const auto& client : std::exchange(clients_, {})) {
        client->routine->close();
    }
}

void FakeServer::disconnect_session(std::int64_t session) {
    std::erase_if(clients_, [session](const std::shared_ptr<Client>& client) {
        const bool ends = client->session == session && !client->closing;
        if (ends) {
            client->routine->close();
        }
        return ends;
    });
}

void FakeServer::release() {
    for (const auto& client : clients_) {
        client->stream->queue_output(std::exchange(client->held, {}));
    }
}

// --- the log

Task<> FakeServer::follow() {
    for (;;) {
        while (applied_ == ensemble_.log_.size() || !running || !ensemble_.follows(*this)) {
            co_await ensemble_.wait_for_change();
        }
        if (number_ != ensemble_.leader_) {
            co_await sleep(lag + ensemble_.delay());
            if (!running || !ensemble_.follows(*this)) {
                continue;
            }
        }
        std::vector<FakeChange> changes;
        results_.push_back(tree_.apply(ensemble_.log_[applied_], changes));
        const FakeEntry& entry = ensemble_.log_[applied_];
        ++applied_;
        notify(changes);
        if (entry.kind == FakeEntry::Kind::session_ends) {
            disconnect_session(entry.session);
        }
        ensemble_.changed();
    }
}

Task<std::vector<OperationResult>> FakeServer::applied(std::int64_t zxid) {
    while (tree_.applied() < zxid) {
        co_await ensemble_.wait_for_change();
    }
    const auto entry = std::ranges::lower_bound(ensemble_.log_, zxid, {}, &FakeEntry::zxid);
    co_return results_[static_cast<std::size_t>(entry - ensemble_.log_.begin())];
}

Task<> FakeServer::reach_leader() {
    if (number_ != ensemble_.leader_) {
        co_await sleep(ensemble_.delay());
    }
    while (!ensemble_.follows(*this) || !ensemble_.has_majority()) {
        co_await ensemble_.wait_for_change();
    }
}

// --- clients

Task<> FakeServer::run_client(std::shared_ptr<Client> client) {
    try {
        co_await speak(*client);
    } catch (const StreamError&) {
    } catch (const WireError&) {
    } catch (const Gone&) {
    }
    std::erase(clients_, client);
    client->stream.reset();
}

// The answer to a request waits; meanwhile the client may go.
Task<> FakeServer::speak(Client& client) {
    co_await welcome(client);
    for (;;) {
        std::string frame = co_await read(client);
        co_await answer(client, std::move(frame));
    }
}

Task<std::string> FakeServer::read(Client& client) {
    const std::string_view head = co_await client.stream->read_exactly(4);
    const std::size_t length = frame_length(head, longest_frame);
    std::string frame(co_await client.stream->read_exactly(length));
    while (cut_from_clients) {
        co_await ensemble_.wait_for_change();
    }
    co_return frame;
}

// TCP repeats what a cut keeps from the client.
void FakeServer::write(Client& client, std::string frame) {
    if (cut_from_clients) {
        client.held += frame;
    } else {
        client.stream->queue_output(std::move(frame));
    }
}

Task<> FakeServer::welcome(Client& client) {
    const std::string frame = co_await read(client);
    WireReader reader(frame);
    auto request = reader.take<ConnectRequest>();
    if (request.last_zxid > tree_.applied() || !accepts()) {
        throw Gone();
    }
    co_await reach_leader();
    auto& sessions = ensemble_.sessions_;
    if (request.session == 0) {
        const Duration tick = ensemble_.options_.tick;
        const Duration wanted = std::chrono::milliseconds(request.timeout);
        request.session = ++ensemble_.last_session_;
        sessions[request.session] = {std::to_string(ensemble_.scheduler().poller().random()),
                                     std::clamp(wanted, 2 * tick, 20 * tick),
                                     {},
                                     0};
        ensemble_.touch(request.session);
        request.password = sessions[request.session].password;
        const std::int64_t zxid =
            ensemble_.append({.session = request.session, .kind = FakeEntry::Kind::session_begins});
        co_await applied(zxid);
    }
    const auto found = sessions.find(request.session);
    if (found == sessions.end() || found->second.password != request.password) {
        write(client, frame_of(ConnectReply{0, 0, 0, std::string(16, '\0')}, false));
        throw Gone();
    }
    found->second.connection = client.number;
    client.session = request.session;
    ensemble_.touch(request.session);
    const auto timeout =
        std::chrono::duration_cast<std::chrono::milliseconds>(found->second.timeout).count();
    write(client, frame_of(ConnectReply{0, static_cast<std::int32_t>(timeout), request.session,
                                        request.password},
                           false));
}

Task<> FakeServer::answer(Client& client, std::string frame) {
    WireReader reader(frame);
    const auto header = reader.take<RequestHeader>();
    if (!accepts()) {
        throw Gone();
    }
    ++ensemble_.received_[header.operation];
    touched.insert(client.session);
    if (number_ == ensemble_.leader_) {
        ensemble_.touch(client.session);
    }
    if (must_log_in(client, header.operation)) {
        co_await refuse(client, header, Code::login_required);
    }
    switch (header.operation) {
        case OpCode::sasl: {
            auto token = reader.take<std::string>();
            co_await answer_login(client, header, std::move(token));
            break;
        }
        case OpCode::auth: {
            const auto request = reader.take<AuthRequest>();
            const bool right = request.credentials != refused_credentials;
            write(client,
                  frame_of(ReplyHeader{header.xid, 0, right ? Code::ok : Code::auth_failed}));
            break;
        }
        case OpCode::set_watches:
            set_watches(client, reader);
            write(client, frame_of(ReplyHeader{header.xid, tree_.applied(), Code::ok}));
            break;
        case OpCode::exists:
        case OpCode::get_data:
        case OpCode::get_children:
            answer_read(client, header, reader);
            break;
        case OpCode::sync: {
            const auto request = reader.take<PathRecord>();
            co_await reach_leader();
            co_await applied(ensemble_.decided_.applied());
            write(client, frame_of(ReplyHeader{header.xid, tree_.applied(), Code::ok}, request));
            break;
        }
        default:
            co_await answer_write(client, header, reader);
    }
}

// Answers with the code, and ends the connection.
Task<> FakeServer::refuse(Client& client, RequestHeader header, Code code) {
    write(client, frame_of(ReplyHeader{header.xid, 0, code}));
    co_await client.stream->drain();
    throw Gone();
}

// --- logins

bool FakeServer::must_log_in(const Client& client, OpCode operation) const {
    return !ensemble_.options_.login.empty() && !client.logged_in && operation != OpCode::sasl &&
           operation != OpCode::auth;
}

// The first token is empty and asks for a challenge, the second answers it.
Task<> FakeServer::answer_login(Client& client, RequestHeader header, std::string token) {
    const std::string& login = ensemble_.options_.login;
    std::string reply;
    if (login.empty()) {
        // As servers do that know no logins.
    } else if (token.empty()) {
        client.nonce = random_id(ensemble_.scheduler().poller());
        reply =
            "realm=\"zk-sasl-md5\",nonce=\"" + client.nonce + "\",charset=utf-8,algorithm=md5-sess";
    } else {
        auto told = read_directives(token);
        const std::size_t colon = login.find(':');
        const DigestLogin expected{.user = login.substr(0, colon),
                                   .password = login.substr(colon + 1),
                                   .client_nonce = told["cnonce"],
                                   .realm = "zk-sasl-md5",
                                   .server_nonce = client.nonce};
        if (told["username"] != expected.user || told["response"] != expected.client_proof()) {
            co_await refuse(client, header, Code::login_required);
        }
        client.logged_in = true;
        reply = "rspauth=" + expected.server_proof();
    }
    write(client, frame_of(ReplyHeader{header.xid, 0, Code::ok}, reply));
}

std::vector<Transaction::Operation> FakeServer::operations_of(RequestHeader header,
                                                              WireReader& reader) {
    std::vector<Transaction::Operation> operations;
    if (header.operation != OpCode::multi) {
        operations.push_back(read_operation(header.operation, reader));
        return operations;
    }
    for (;;) {
        const auto part = reader.take<MultiHeader>();
        if (part.done) {
            return operations;
        }
        operations.push_back(read_operation(part.operation, reader));
    }
}

Task<> FakeServer::answer_write(Client& client, RequestHeader header, WireReader reader) {
    const bool ends = header.operation == OpCode::close_session;
    client.closing = ends;
    std::vector<Transaction::Operation> operations;
    if (!ends) {
        operations = operations_of(header, reader);
    }
    co_await reach_leader();
    const auto session = ensemble_.sessions_.find(client.session);
    if (session == ensemble_.sessions_.end() || session->second.connection != client.number) {
        const Code code =
            session == ensemble_.sessions_.end() ? Code::session_expired : Code::session_moved;
        write(client, frame_of(ReplyHeader{header.xid, 0, code}));
        throw Gone();
    }
    FakeEntry entry = ensemble_.decided_.decide(client.session, std::move(operations));
    if (ends) {
        entry.kind = FakeEntry::Kind::session_ends;
        ensemble_.sessions_.erase(session);
    }
    const std::int64_t zxid = ensemble_.append(std::move(entry));
    const std::vector<OperationResult> results = co_await applied(zxid);
    if (ensemble_.answers_to_lose_ > 0) {
        --ensemble_.answers_to_lose_;
        throw Gone();
    }
    WireWriter writer;
    if (header.operation == OpCode::multi) {
        writer(ReplyHeader{header.xid, zxid, Code::ok});
        for (OperationResult result : results) {
            if (result.operation == OpCode::create_container) {
                result.operation = OpCode::create2;  // as servers answer
            }
            writer(MultiHeader{result.operation, false, result.code});
            write_result(result, writer);
        }
        writer(MultiHeader::end());
    } else {
        const Code code = results.empty() ? Code::ok : results.front().code;
        writer(ReplyHeader{header.xid, zxid, code});
        if (code == Code::ok && !results.empty()) {
            write_result(results.front(), writer);
        }
    }
    write(client, writer.take_frame());
    if (ends) {
        co_await client.stream->drain();
        throw Gone();
    }
}

void FakeServer::answer_read(Client& client, RequestHeader header, WireReader reader) {
    const auto request = reader.take<ReadRequest>();
    const FakeTree::Node* const node = tree_.find(request.path);
    const bool is_existence = header.operation == OpCode::exists;
    if (request.watch && (node != nullptr || is_existence)) {
        auto& watches = header.operation == OpCode::get_children ? client.children_watches
                        : node == nullptr                        ? client.existence_watches
                                                                 : client.data_watches;
        watches.insert(request.path);
    }
    WireWriter writer;
    writer(ReplyHeader{header.xid, tree_.applied(), node != nullptr ? Code::ok : Code::no_node});
    if (node != nullptr && header.operation == OpCode::get_data) {
        writer(node->data, node->stat);
    } else if (node != nullptr && is_existence) {
        writer(node->stat);
    } else if (node != nullptr) {
        writer(std::vector<std::string>(node->children.begin(), node->children.end()), node->stat);
    }
    write(client, writer.take_frame());
}

// --- watches

// What has changed since the client has seen anything fires at once.
void FakeServer::set_watches(Client& client, WireReader reader) {
    const auto request = reader.take<SetWatchesRequest>();
    const auto add = [&](const std::string& path, std::set<std::string>& watches,
                         std::optional<WatchedChange> change) {
        watches.insert(path);
        if (change) {
            notify(client, {path, *change});
        }
    };
    using Change = std::optional<WatchedChange>;
    for (const std::string& path : request.data) {
        const FakeTree::Node* const node = tree_.find(path);
        add(path, client.data_watches,
            node == nullptr                        ? Change(WatchedChange::deleted)
            : node->stat.mzxid > request.last_zxid ? Change(WatchedChange::data)
                                                   : Change());
    }
    for (const std::string& path : request.existence) {
        add(path, client.existence_watches,
            tree_.find(path) != nullptr ? Change(WatchedChange::created) : Change());
    }
    for (const std::string& path : request.children) {
        const FakeTree::Node* const node = tree_.find(path);
        add(path, client.children_watches,
            node == nullptr                        ? Change(WatchedChange::deleted)
            : node->stat.pzxid > request.last_zxid ? Change(WatchedChange::children)
                                                   : Change());
    }
}

void FakeServer::notify(const std::vector<FakeChange>& changes) {
    for (const FakeChange& change : changes) {
        for (const auto& client : clients_) {
            notify(*client, change);
        }
    }
}

void FakeServer::notify(Client& client, const FakeChange& change) {
    const auto& [path, what] = change;
    std::size_t fired = 0;
    if (what != WatchedChange::children) {
        fired += client.data_watches.erase(path) + client.existence_watches.erase(path);
    }
    if (what == WatchedChange::children || what == WatchedChange::deleted) {
        fired += client.children_watches.erase(path);
    }
    if (fired != 0) {
        write(client,
              frame_of(ReplyHeader{static_cast<std::int32_t>(Xid::notification), -1, Code::ok},
                       Notification{what, 3, path}));
    }
}

}  // namespace weir::zookeeper
