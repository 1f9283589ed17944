// W10: lockd beside Redis on loopback: the same clients lock and unlock. With Redis they use the
// usual recipe: SET key token NX PX, retried after a while, and a Lua script that deletes the key
// if it still has the token. With lockd the clients wait in a queue. Both servers run all the time;
// the clients load them in turn.

#include <filesystem>
#include <memory>

#include "apps/lockd/lock_load.h"
#include "tests/support/benchmark.h"
#include "tests/support/child.h"
#include "tests/support/peer.h"

namespace weir::benchmark {

namespace {

struct Server {
    std::string name;
    std::unique_ptr<Child> process;
    int port;
    LockProtocol protocol;
};

Server start_lockd(const std::filesystem::path& weir) {
    auto process = std::make_unique<Child>(
        std::vector<std::string>{weir, "run", WEIR_SOURCE_DIR "/apps/lockd/lockd.json", "--set",
                                 R"(module.resp.listen=["tcp://127.0.0.1:0"])", "--set",
                                 R"(server.startup=["lock", "resp", "manager"])"});
    const int port = std::stoi(process->wait_for("listens at tcp://127.0.0.1:"));
    return {"lockd",
            std::move(process),
            port,
            {.acquire =
                 [](const auto& key, const auto&) {
                     return request({"LOCK", key});
                 },
             .release =
                 [](const auto& key, const auto&) {
                     return request({"UNLOCK", key});
                 }}};
}

// Returns the script's hash.
std::string load_script(int port, const std::string& script) {
    const int fd = connect_to(port);
    const std::string asked = request({"SCRIPT", "LOAD", script});
    check_call(static_cast<int>(send(fd, asked.data(), asked.size(), MSG_NOSIGNAL)), "send");
    std::string reply;  // $40, a line of 40 characters
    char bytes[64];
    while (reply.size() < 47) {
        const auto got = read(fd, bytes, sizeof bytes);
        if (got <= 0) {
            throw std::runtime_error("Redis did not load the script: " + reply);
        }
        reply.append(bytes, static_cast<std::size_t>(got));
    }
    close(fd);
    return reply.substr(5, 40);
}

Server start_redis() {
    const int port = free_port();
    auto process = std::make_unique<Child>(
        std::vector<std::string>{"redis-server", "--port", std::to_string(port), "--bind",
                                 "127.0.0.1", "--save", "", "--appendonly", "no"});
    process->wait_for("Ready to accept connections");
    const std::string release = load_script(
        port,
        "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) "
        "else return 0 end");
    return {"Redis",
            std::move(process),
            port,
            {.acquire =
                 [](const auto& key, const auto& token) {
                     return request({"SET", key, token, "NX", "PX", "30000"});
                 },
             .release =
                 [release](const auto& key, const auto& token) {
                     return request({"EVALSHA", release, "1", key, token});
                 }}};
}

void print_rounds(const Options& options, const std::string& workload, const std::string& name,
                  const std::vector<LockFigures>& rounds) {
    const auto of = [&](double LockFigures::*member) {
        std::vector<double> values;
        for (const LockFigures& figures : rounds) {
            values.push_back(figures.*member);
        }
        return values;
    };
    Figure figure{workload, name, name == "lockd" ? Kind::weir : Kind::peer, "us",
                  of(&LockFigures::server)};
    figure.more = {{"pairs/s", median(of(&LockFigures::pairs_per_second))},
                   {"p50, us", median(of(&LockFigures::median))},
                   {"p99, us", median(of(&LockFigures::p99))},
                   {"requests/pair", median(of(&LockFigures::requests_per_pair))}};
    print(options, figure);
}

// Runs one round and measures the server's processor time.
LockFigures load(const Server& server, const LockLoad& load) {
    LockClients clients(server.port, server.protocol, load);
    const double before = server.process->processor_time();
    LockFigures figures = clients.run();
    figures.server =
        (server.process->processor_time() - before) / static_cast<double>(clients.pairs());
    return figures;
}

void compare(const Options& options, const std::vector<Server>& servers,
             const std::string& workload, LockLoad one_load) {
    if (options.quick) {
        one_load.pairs /= 10;
    }
    std::vector<std::vector<LockFigures>> figures(servers.size());
    for (int round = 0; round != (options.quick ? 1 : 5); ++round) {
        for (std::size_t i = 0; i != servers.size(); ++i) {
            figures[i].push_back(load(servers[i], one_load));
        }
    }
    for (std::size_t i = 0; i != servers.size(); ++i) {
        print_rounds(options, workload, servers[i].name, figures[i]);
    }
}

void sweep_connections(const Options& options, const std::vector<Server>& servers, long most) {
    std::vector<Sized> contenders;
    for (const Server& server : servers) {
        contenders.push_back({server.name,
                              [&server](long clients) {
                                  const LockFigures figures =
                                      load(server,
                                           {.clients = static_cast<int>(clients), .pairs = 10'000});
                                  return 1000 * figures.server;
                              },
                              server.name == "lockd" ? Kind::weir : Kind::peer});
    }
    sweep(options, "W10 server for a pair, by connections with a key each", most, contenders);
}

struct Workload {
    std::string name;
    LockLoad load;
};

const std::vector<Workload> workloads = {
    {"W10 1 connection", {.clients = 1, .pairs = 20'000}},
    {"W10 50 connections, each its own key", {.clients = 50, .pairs = 50'000}},
    {"W10 1,000 connections, each its own key", {.clients = 1000, .pairs = 50'000}},
    {"W10 100 connections, one key", {.clients = 100, .one_key = true, .pairs = 10'000}},
};

void run(const Options& options, const std::filesystem::path& weir) {
    const auto wanted = [&](const Workload& workload) { return options.wants(workload.name); };
    if (std::none_of(workloads.begin(), workloads.end(), wanted)) {
        return;
    }
    const long most = most_connections();
    std::vector<Server> servers;
    servers.push_back(start_lockd(weir));
    if (installed("redis-server")) {
        servers.push_back(start_redis());
    } else {
        std::fprintf(stderr, "There is no redis-server here: lockd is measured alone\n");
    }
    if (options.sweep) {
        sweep_connections(options, servers, most);
        return;
    }
    for (const Workload& workload : workloads) {
        if (wanted(workload)) {
            compare(options, servers, workload.name, workload.load);
        }
    }
}

}  // namespace

}  // namespace weir::benchmark

int main(int argc, char** argv) {
    const auto options = weir::benchmark::options(argc, argv);
    if (options.once > 0) {
        return 0;  // the instructions of a server cannot be counted here
    }
    try {
        weir::benchmark::run(options, weir::benchmark::own_folder() / "../bin/weir");
    } catch (const std::exception& error) {
        std::fprintf(stderr, "lockd_benchmark: %s\n", error.what());
        return 1;
    }
}
