// W6: echo servers on loopback, each a process on one processor, their clients on another. Measures
// the processor time that the server takes for a request: other programs hardly change it.

#include <fstream>
#include <memory>
#include <optional>

#include "tests/benchmark/echo/echo_load.h"
#include "tests/support/benchmark.h"
#include "tests/support/child.h"
#include "tests/support/peer.h"

namespace weir::benchmark {

namespace {

struct Server {
    std::string name;
    Kind kind;
    std::vector<std::string> command;
    std::unique_ptr<Child> process = nullptr;
    int port = 0;
};

// Starts the servers that are installed.
std::vector<Server> start_servers(bool peers) {
    const std::string programs = own_folder().string() + "/echo/";
    const std::string scripts = WEIR_SOURCE_DIR "/tests/benchmark/echo/";
    std::vector<Server> all;
    all.push_back({"weir", Kind::weir, {programs + "weir_echo"}});
    all.push_back({"baseline", Kind::baseline, {programs + "epoll_echo"}});
    if (peers) {
        all.push_back({"libuv", Kind::peer, {programs + "uv_echo"}});
        all.push_back({"Asio", Kind::peer, {programs + "asio_echo"}});
        all.push_back({"Node", Kind::peer, {"node", scripts + "node_echo.js"}});
        all.push_back({"asyncio", Kind::peer, {"python3", "-B", scripts + "asyncio_echo.py"}});
    }
    std::vector<Server> running;
    for (Server& server : all) {
        if (!installed(server.command[0])) {
            std::fprintf(stderr, "%s is not here: a peer less\n", server.name.c_str());
            continue;
        }
        try {
            server.process = std::make_unique<Child>(server.command, 0);
            server.port = std::stoi(server.process->wait_for("listening at "));
        } catch (const std::runtime_error& error) {
            if (server.kind != Kind::peer) {
                throw;
            }
            std::fprintf(stderr, "a peer less: %s\n", error.what());
            continue;
        }
        running.push_back(std::move(server));
    }
    return running;
}

// The results of the rounds of one server.
struct Rounds {
    std::vector<double> processor_times;  // microseconds, for a request
    std::vector<EchoFigures> figures;

    double median_of(double EchoFigures::*member) const {
        std::vector<double> values;
        for (const EchoFigures& round : figures) {
            values.push_back(round.*member);
        }
        return median(values);
    }
};

void load(const Server& server, const EchoLoad& load, Rounds& rounds) {
    EchoClients clients(server.port, load);
    clients.run(load.requests / 10 + load.connections);
    const double before = server.process->processor_time();
    rounds.figures.push_back(clients.run(load.requests));
    rounds.processor_times.push_back((server.process->processor_time() - before) /
                                     static_cast<double>(load.requests));
}

// Returns the system calls for a request, as strace counts them; nothing if strace cannot run.
std::optional<double> system_calls(const Server& server, const EchoLoad& load) {
    if (!installed("strace")) {
        return std::nullopt;
    }
    const std::string summary =
        std::filesystem::temp_directory_path() / ("weir_echo." + std::to_string(getpid()));
    long calls = 0;
    try {
        EchoClients clients(server.port, load);
        {
            Child strace({"strace", "-f", "-c", "-U", "calls,name", "-o", summary, "-p",
                          std::to_string(server.process->pid())});
            strace.wait_for("attached");
            clients.run(load.requests);
        }
        std::ifstream lines(summary);
        for (std::string line; std::getline(lines, line);) {
            if (line.ends_with(" total")) {
                calls = std::stol(line);
            }
        }
    } catch (const std::runtime_error& error) {
        std::fprintf(stderr, "system calls are not counted: %s\n", error.what());
    }
    std::filesystem::remove(summary);
    return calls == 0
               ? std::nullopt
               : std::optional(static_cast<double>(calls) / static_cast<double>(load.requests));
}

void compare_servers(const Options& options, const std::string& workload) {
    if (!options.wants(workload)) {
        return;
    }
    const EchoLoad echo{.connections = 50, .requests = options.quick ? 10'000 : 50'000};
    const std::vector<Server> servers = start_servers(true);
    std::vector<Rounds> rounds(servers.size());
    for (int round = 0; round != (options.quick ? 1 : 5); ++round) {
        for (std::size_t i = 0; i != servers.size(); ++i) {
            load(servers[i], echo, rounds[i]);
        }
    }
    for (std::size_t i = 0; i != servers.size(); ++i) {
        Figure figure{workload, servers[i].name, servers[i].kind, "us", rounds[i].processor_times};
        figure.more = {{"requests/s", rounds[i].median_of(&EchoFigures::requests_per_second)},
                       {"p50, us", rounds[i].median_of(&EchoFigures::median)},
                       {"p99, us", rounds[i].median_of(&EchoFigures::p99)}};
        const auto calls = options.quick
                               ? std::nullopt
                               : system_calls(servers[i], {.connections = 50, .requests = 20'000});
        if (calls) {
            figure.more.emplace_back("system calls/request", *calls);
        }
        print(options, figure);
    }
}

void sweep_connections(const Options& options, const std::string& workload) {
    if (!options.wants(workload)) {
        return;
    }
    const long most = most_connections();
    const std::vector<Server> servers = start_servers(false);
    std::vector<Sized> contenders;
    for (const Server& server : servers) {
        contenders.push_back(
            {server.name,
             [&server](long connections) {
                 Rounds rounds;
                 load(server, {.connections = static_cast<int>(connections), .requests = 20'000},
                      rounds);
                 return 1000 * rounds.processor_times.front();
             },
             server.kind});
    }
    sweep(options, workload, most, contenders);
}

}  // namespace

}  // namespace weir::benchmark

int main(int argc, char** argv) {
    using namespace weir::benchmark;
    const auto options = weir::benchmark::options(argc, argv);
    try {
        stay_on_processor(1);
        if (options.sweep) {
            sweep_connections(options, "W6 server for a request, by connections");
        } else {
            compare_servers(options, "W6 TCP echo, 50 connections, 64 bytes");
        }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "echo_benchmark: %s\n", error.what());
        return 1;
    }
}
