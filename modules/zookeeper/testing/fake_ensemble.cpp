#include "modules/zookeeper/testing/fake_ensemble.h"

#include <algorithm>
#include <utility>

#include "core/run/scheduler.h"
#include "core/wait/timeout.h"
#include "modules/zookeeper/testing/fake_server.h"

namespace weir::zookeeper {

FakeEnsemble::FakeEnsemble(Scheduler& scheduler, FakeOptions options)
    : Container(scheduler), options_(options), changed_(scheduler) {
    for (std::size_t i = 0; i != options_.servers; ++i) {
        servers_.push_back(std::make_unique<FakeServer>(*this, i));
    }
    Container::start(lead(), {.name = "fake zookeeper leads", .daemon = true});
    Container::start(watch_cuts(), {.name = "fake zookeeper watches", .daemon = true});
}

FakeEnsemble::~FakeEnsemble() {
    servers_.clear();
    close();
}

SessionOptions FakeEnsemble::options(Duration timeout) {
    SessionOptions result;
    for (std::size_t i = 0; i != servers_.size(); ++i) {
        result.servers.push_back("tcp://zk" + std::to_string(i) + ":2181");
    }
    result.timeout = timeout;
    result.connect = [this](Scheduler& scheduler, Address server) -> Task<ByteStream::Owner> {
        return connect(scheduler, std::stoul(server.host.substr(2)));
    };
    return result;
}

Task<ByteStream::Owner> FakeEnsemble::connect(Scheduler& scheduler, std::size_t number) {
    FakeServer& server = *servers_.at(number);
    co_await sleep(delay());
    while (server.cut_from_clients) {
        co_await wait_for_change();
    }
    if (!server.running) {
        throw StreamError("connecting to zk" + std::to_string(number), UV_ECONNREFUSED);
    }
    auto [here, there] = memory_pair(scheduler, {}, options_.streams);
    server.serve(std::move(there));
    co_return std::move(here);
}

// --- what the servers share

Duration FakeEnsemble::delay() {
    const auto most = static_cast<std::uint64_t>(options_.most_delay.count());
    return Duration(static_cast<Duration::rep>(scheduler().poller().random() % (most + 1)));
}

void FakeEnsemble::changed() {
    changed_.signal(SocketEvent::Type::changed);
}

Task<> FakeEnsemble::wait_for_change() {
    const MatcherOf<SocketEvent> changed = changed_.matcher(SocketEvent::Type::changed);
    changed_.want(SocketEvent::Type::changed);
    co_await changed;
}

bool FakeEnsemble::follows(const FakeServer& server) const {
    const FakeServer& leader = *servers_[leader_];
    return !electing_ && server.running && leader.running &&
           (server.number() == leader_ || (!server.cut && !leader.cut));
}

bool FakeEnsemble::has_majority() const {
    std::size_t with = 0;
    for (const auto& server : servers_) {
        with += follows(*server) ? 1U : 0U;
    }
    return with > servers_.size() / 2;
}

std::int64_t FakeEnsemble::append(FakeEntry entry) {
    entry.zxid = static_cast<std::int64_t>(log_.size()) + 1;
    entry.time =
        std::chrono::duration_cast<std::chrono::milliseconds>(scheduler().now().time_since_epoch())
            .count();
    std::vector<FakeChange> changes;
    decided_.apply(entry, changes);
    log_.push_back(std::move(entry));
    changed();
    return log_.back().zxid;
}

void FakeEnsemble::touch(std::int64_t session) {
    if (const auto found = sessions_.find(session); found != sessions_.end()) {
        found->second.expires = scheduler().now() + found->second.timeout;
    }
}

const FakeTree& FakeEnsemble::tree() const {
    return decided_;
}

std::uint64_t FakeEnsemble::received(OpCode operation) const {
    const auto found = received_.find(operation);
    return found == received_.end() ? 0 : found->second;
}

bool FakeEnsemble::agrees() const {
    return std::ranges::all_of(servers_, [this](const auto& server) {
        return std::ranges::equal(server->tree().nodes(), decided_.nodes(), [](auto& a, auto& b) {
            return a.first == b.first && a.second.data == b.second.data &&
                   a.second.stat == b.second.stat;
        });
    });
}

// --- the leader

// Hears of sessions, and lets those expire of which it has not heard.
Task<> FakeEnsemble::lead() {
    Time containers = scheduler().now() + options_.container_check;
    for (;;) {
        co_await sleep(options_.tick / 2);
        for (const auto& server : servers_) {
            if (follows(*server)) {
                for (const std::int64_t session : std::exchange(server->touched, {})) {
                    touch(session);
                }
            }
        }
        if (!has_majority()) {
            continue;
        }
        const Time now = scheduler().now();
        std::vector<std::int64_t> expired;
        for (const auto& [session, record] : sessions_) {
            if (record.expires <= now) {
                expired.push_back(session);
            }
        }
        for (const std::int64_t session : expired) {
            expire(session);
        }
        if (containers <= now) {
            containers = now + options_.container_check;
            for (const std::string& path : decided_.empty_containers()) {
                std::vector<Transaction::Operation> operations(1);
                operations[0].code = OpCode::remove;
                operations[0].path = path;
                append(decided_.decide(0, std::move(operations)));
            }
        }
    }
}

void FakeEnsemble::expire(std::int64_t session) {
    if (sessions_.erase(session) != 0) {
        if (on_expiry) {
            on_expiry(session);
        }
        append({.session = session, .kind = FakeEntry::Kind::session_ends});
    }
}

// A server that hears nothing of the leader for the limit stops serving, and looks for a leader.
Task<> FakeEnsemble::watch_cuts() {
    for (;;) {
        co_await sleep(options_.tick / 2);
        const Time now = scheduler().now();
        const Duration limit = options_.sync_limit * options_.tick;
        for (const auto& server : servers_) {
            const bool hears = follows(*server) && has_majority();
            if (hears || !server->running) {
                server->unheard_since = now;
                server->serving = server->serving || hears;
            } else if (now - server->unheard_since >= limit &&
                       std::exchange(server->serving, false)) {
                server->disconnect_clients();
            }
        }
        if (!has_majority() && !electing_ && now - servers_[leader_]->unheard_since >= limit) {
            elect();
        }
    }
}

void FakeEnsemble::elect() {
    if (!electing_) {
        electing_ = true;
        for (const auto& server : servers_) {
            server->serving = false;
            server->disconnect_clients();
        }
        Container::start(hold_election(), {.name = "fake zookeeper elects", .daemon = true});
    }
}

// The new leader has the whole log, as a majority has it, and gives all sessions their full time.
Task<> FakeEnsemble::hold_election() {
    const std::size_t former = leader_;
    for (;;) {
        co_await sleep(options_.election * options_.tick);
        std::vector<std::size_t> able;
        for (const auto& server : servers_) {
            if (server->running && !server->cut) {
                able.push_back(server->number());
            }
        }
        if (able.size() <= servers_.size() / 2) {
            continue;
        }
        if (able.size() > 1) {
            std::erase(able, former);
        }
        leader_ = able[scheduler().poller().random() % able.size()];
        break;
    }
    electing_ = false;
    const Time now = scheduler().now();
    for (auto& [session, record] : sessions_) {
        record.expires = now + record.timeout;
    }
    for (const auto& server : servers_) {
        server->unheard_since = now;
        server->serving = server->serving || follows(*server);
    }
    changed();
}

// --- faults

void FakeEnsemble::stop(std::size_t server) {
    servers_[server]->running = false;
    servers_[server]->disconnect_clients();
    servers_[server]->touched.clear();
    if (server == leader_ || !has_majority()) {
        elect();
    }
    changed();
}

void FakeEnsemble::start(std::size_t server) {
    servers_[server]->running = true;
    servers_[server]->unheard_since = scheduler().now();
    changed();
}

void FakeEnsemble::cut(std::size_t server) {
    servers_[server]->cut = true;
    changed();
}

void FakeEnsemble::cut_from_clients(std::size_t server) {
    servers_[server]->cut_from_clients = true;
    changed();
}

void FakeEnsemble::heal(std::size_t server) {
    servers_[server]->cut = false;
    servers_[server]->cut_from_clients = false;
    servers_[server]->release();
    changed();
}

void FakeEnsemble::disconnect_clients() {
    for (const auto& server : servers_) {
        server->disconnect_clients();
    }
}

void FakeEnsemble::move_leader() {
    elect();
}

void FakeEnsemble::set_lag(std::size_t server, Duration lag) {
    servers_[server]->lag = lag;
}

}  // namespace weir::zookeeper
