#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/simulation/simulation.h"
#include "core/stream/memory_stream.h"
#include "core/wait/timeout.h"
#include "modules/redis/client.h"
#include "tests/support/virtual_world.h"

namespace weir::redis {

using namespace std::chrono_literals;

inline std::string bulk(std::string_view text) {
    return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}
// A list, or a push ('>'), of texts.
inline std::string list_of(const std::vector<std::string>& texts, char type = '*') {
    std::string bytes = type + std::to_string(texts.size()) + "\r\n";
    for (const std::string& text : texts) {
        bytes += bulk(text);
    }
    return bytes;
}

// A server in memory, which answers as the test says.
class FakeServer : private Container {
public:
    using Words = std::vector<std::string>;

    explicit FakeServer(Scheduler& scheduler) : Container(scheduler) {}
    ~FakeServer() override {
        cut();
        close();
    }

    ClientOptions options() {
        ClientOptions made;
        made.server = "tcp://fake:1";
        made.connect = [this](Scheduler&, Address) { return connect(); };
        return made;
    }

    // How it answers; empty: not at all.
    std::function<std::string(const Words& command)> answer = [this](const Words& command) {
        return usual_answer(command);
    };
    std::string usual_answer(const Words& command) const {
        if (command[0] == "HELLO") {
            return version == 3 ? "%1\r\n+proto\r\n:3\r\n" : "-ERR unknown command 'HELLO'\r\n";
        }
        if (command[0] == "SUBSCRIBE" || command[0] == "PSUBSCRIBE") {
            std::string all;
            for (std::size_t i = 1; i != command.size(); ++i) {
                const char* const what = command[0] == "SUBSCRIBE" ? "subscribe" : "psubscribe";
                all +=
                    (version == 3 ? ">3\r\n" : "*3\r\n") + bulk(what) + bulk(command[i]) + ":1\r\n";
            }
            return all;
        }
        return command[0] == "ECHO" ? bulk(command[1]) : "+OK\r\n";
    }

    // Sends bytes that answer nothing to the newest connection.
    void send(std::string bytes) { connections_.back().stream->queue_output(std::move(bytes)); }
    // Resets all connections.
    void cut() {
        for (Connection& connection : connections_) {
            connection.serving->close();
            connection.stream.release()->reset();
        }
        connections_.clear();
    }

    int version = 3;
    bool refuses = false;
    MemoryFaults faults;
    int attempts = 0;
    std::vector<std::string> commands;  // that have come, but for the greeting

private:
    struct Connection {
        ByteStream::Owner stream;
        Ref<Routine> serving;
    };

    Task<ByteStream::Owner> connect() {
        ++attempts;
        if (refuses) {
            throw StreamError("connecting to tcp://fake:1", UV_ECONNREFUSED);
        }
        auto [here, there] = memory_pair(scheduler(), {}, faults);
        Connection& made = connections_.emplace_back();
        made.stream = std::move(there);
        made.serving = start(serve(*made.stream), {.name = "fake server", .daemon = true});
        co_return std::move(here);
    }

    Task<> serve(ByteStream& stream) {
        ReplyParser parser;
        try {
            for (;;) {
                std::string_view bytes = co_await stream.peek();
                if (bytes.empty()) {
                    co_return;
                }
                const std::size_t all = bytes.size();
                std::vector<Words> taken;
                while (!bytes.empty()) {
                    if (const std::optional<Reply> command = parser.read(bytes)) {
                        Words& words = taken.emplace_back();
                        for (const Reply& word : command->items) {
                            words.push_back(word.text);
                        }
                    }
                }
                stream.consume(all);
                for (const Words& words : taken) {
                    note(words);
                    if (std::string answered = answer(words); !answered.empty()) {
                        stream.queue_output(std::move(answered));
                    }
                }
            }
        } catch (const StreamError&) {  // the client has gone
        }
    }

    void note(const Words& words) {
        std::string line;
        for (const std::string& word : words) {
            line += (line.empty() ? "" : " ") + word;
        }
        commands.push_back(std::move(line));
    }

    std::list<Connection> connections_;
};

// A scheduler in virtual time, a server and a client.
struct RedisWorld : test::VirtualWorld {
    explicit RedisWorld(std::uint64_t seed = 1) : VirtualWorld(seed), server(scheduler) {}

    template <class... T>
    void run(T... tasks) {
        run_with_log(std::move(tasks)...);
    }
    // What has come from the client, but for the greeting.
    std::vector<std::string> received() const {
        std::vector<std::string> all = server.commands;
        std::erase_if(all, [](const std::string& line) { return line.starts_with("HELLO"); });
        return all;
    }

    FakeServer server;
};

}  // namespace weir::redis
