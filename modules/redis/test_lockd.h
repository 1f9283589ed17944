#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/settings/duration.h"
#include "core/run/random_id.h"
#include "modules/redis/test_world.h"
#include "modules/system/call/json.h"

namespace weir::redis {

// A lockd in memory: the functions of the module `lock` that LockdBackend calls, as a simple model.
// The requests of a connection are executed one after the other.
class FakeLockd : private Container {
public:
    explicit FakeLockd(Scheduler& scheduler) : Container(scheduler) {}
    ~FakeLockd() override {
        cut();
        close();
    }

    ClientOptions options() {
        ClientOptions made;
        made.server = "tcp://lockd:1";
        made.command_timeout = 4s;
        made.connect = [this](Scheduler&, Address) { return connect(); };
        return made;
    }

    // Resets all connections.
    void cut() {
        for (Connection& connection : connections_) {
            connection.serving->close();
            connection.stream.release()->reset();
        }
        connections_.clear();
    }
    // It crashes and comes back: its connections, sessions and locks are gone.
    void restart() {
        cut();
        sessions_.clear();
        keys_.clear();
    }
    // Takes the lock away from its holders.
    void break_lock(const std::string& key) {
        for (const auto& [session, token] : keys_[key].holders) {
            sessions_.at(session).lost.push_back({{"token", token}, {"reason", "broken"}});
        }
        keys_[key].holders.clear();
    }

    std::size_t holders(const std::string& key) {
        expire();
        return keys_[key].holders.size();
    }
    std::size_t waiters(const std::string& key) { return keys_[key].line.size(); }
    std::size_t sessions() {
        expire();
        return sessions_.size();
    }

    bool refuses = false;
    bool is_silent = false;  // reads, and answers nothing
    std::string renewal;     // the answer to each renewal; empty: what it is
    Duration most_lag{};     // before each answer
    MemoryFaults faults;

private:
    struct Session {
        Duration time_to_live;
        Time end;
        int uses = 0;
        std::vector<Json> lost = {};
    };
    struct Key {
        std::map<std::string, std::uint64_t> holders;  // session, token
        std::deque<int> line;                          // waits, the first one next
        std::size_t size = 1;
        bool is_semaphore = false;
        bool is_read = false;  // by its holders
    };
    struct Connection {
        ByteStream::Owner stream;
        Ref<Routine> serving;
    };

    Task<ByteStream::Owner> connect() {
        if (refuses) {
            throw StreamError("connecting to tcp://lockd:1", UV_ECONNREFUSED);
        }
        auto [here, there] = memory_pair(scheduler(), {}, faults);
        Connection& made = connections_.emplace_back();
        made.stream = std::move(there);
        made.serving = start(serve(*made.stream), {.name = "fake lockd", .daemon = true});
        co_return std::move(here);
    }

    Task<> serve(ByteStream& stream) {
        ReplyParser parser;
        std::string input;
        try {
            for (;;) {
                const std::string_view some = co_await stream.read_some();
                if (some.empty()) {
                    co_return;
                }
                input = some;
                std::string_view bytes = input;
                while (!bytes.empty()) {
                    if (const std::optional<Reply> request = parser.read(bytes)) {
                        std::string answer = co_await execute(*request);
                        co_await sleep(Duration(std::int64_t(scheduler().poller().random() %
                                                             std::uint64_t(most_lag.count() + 1))));
                        if (!is_silent) {
                            stream.queue_output(std::move(answer));
                        }
                    }
                }
            }
        } catch (const StreamError&) {  // the client has gone
        }
    }

    Task<std::string> execute(Reply request) {
        if (request.items.at(0).text == "HELLO") {
            co_return "%1\r\n+proto\r\n:3\r\n";
        }
        if (request.items.at(0).text == "PING") {
            co_return "+PONG\r\n";
        }
        const Json parameters = Json::parse(request.items.at(3).text);
        const std::string function = request.items.at(2).text;
        expire();
        if (function == "open_session") {
            co_return bulk(Json{{"session", open(parameters)}}.dump());
        }
        if (function == "create_semaphore") {
            Key& key = keys_[parameters.at("key")];
            if (!key.holders.empty()) {
                co_return "-ERR in_use: held\r\n";
            }
            key.size = parameters.at("size");
            key.is_semaphore = true;
            co_return bulk("null");
        }
        const std::string id = parameters.at("session");
        if (!sessions_.contains(id)) {
            co_return "-ERR unknown_session: there is no session\r\n";
        }
        renew(id);
        if (function == "renew_session") {
            co_return bulk(renewal.empty() ? Json{{"lost", sessions_.at(id).lost}}.dump()
                                           : renewal);
        }
        if (function == "close_session") {
            end(id);
            co_return bulk("null");
        }
        const std::string name = parameters.at("key");
        if (function == "release") {
            co_return bulk(keys_[name].holders.erase(id) != 0 ? "true" : "false");
        }
        if (parameters.at("shared").get<bool>() && !keys_[name].is_semaphore) {
            co_return "-ERR no_semaphore: the key has none\r\n";
        }
        if (function == "try") {
            const bool overtakes = !keys_[name].line.empty() && !keys_[name].holders.contains(id);
            co_return overtakes ? bulk("null") : take(id, name, parameters.contains("read"));
        }
        co_return co_await wait(id, name, parameters.contains("read"));
    }

    std::string open(const Json& parameters) {
        const std::string text = parameters.at("time_to_live");
        const Duration time = *config::decode_duration(config::Value(text)).value;
        const std::string id = random_id(scheduler().poller());
        sessions_[id] = {time, scheduler().now() + time};
        return id;
    }
    void renew(const std::string& id) {
        sessions_.at(id).end = scheduler().now() + sessions_.at(id).time_to_live;
    }
    void end(const std::string& id) {
        sessions_.erase(id);
        for (auto& [name, key] : keys_) {
            key.holders.erase(id);
        }
    }
    void expire() {
        for (auto session = sessions_.begin(); session != sessions_.end();) {
            const auto next = std::next(session);
            if (session->second.uses == 0 && session->second.end <= scheduler().now()) {
                end(std::string(session->first));
            }
            session = next;
        }
    }

    std::string take(const std::string& id, const std::string& name, bool reads) {
        Key& key = keys_[name];
        if (!key.holders.contains(id)) {
            if (!key.holders.empty() && (reads || key.is_read) ? !(reads && key.is_read)
                                                               : key.holders.size() >= key.size) {
                return bulk("null");
            }
            key.is_read = reads;
            key.holders[id] = ++last_token_;
        }
        return bulk(std::to_string(key.holders.at(id)));
    }

    // What a wait leaves behind when it ends, also by the end of its connection.
    struct Waiting {
        Waiting(FakeLockd& l, std::string i, std::string n)
            : lockd(l), id(std::move(i)), name(std::move(n)), number(++l.last_wait_) {
            ++lockd.sessions_.at(id).uses;
            lockd.keys_[name].line.push_back(number);
        }
        Waiting(const Waiting&) = delete;
        Waiting& operator=(const Waiting&) = delete;
        ~Waiting() {
            std::erase(lockd.keys_[name].line, number);
            if (const auto session = lockd.sessions_.find(id); session != lockd.sessions_.end()) {
                --session->second.uses;
                lockd.renew(id);
            }
        }
        FakeLockd& lockd;
        const std::string id;
        const std::string name;
        const int number;
    };

    Task<std::string> wait(std::string id, std::string name, bool reads) {
        const Waiting waiting(*this, id, name);
        for (;;) {
            expire();
            if (!sessions_.contains(id)) {
                co_return "-ERR session_closed: the session was closed\r\n";
            }
            if (keys_[name].line.front() == waiting.number) {
                if (std::string answer = take(id, name, reads); answer != bulk("null")) {
                    co_return answer;
                }
            }
            co_await sleep(1ms);
        }
    }

    std::list<Connection> connections_;
    std::map<std::string, Session> sessions_;
    std::map<std::string, Key> keys_;
    std::uint64_t last_token_ = 0;
    int last_wait_ = 0;
};

}  // namespace weir::redis
