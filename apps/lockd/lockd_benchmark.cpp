// W10: lockd beside Redis on loopback, pairs of lock and unlock by the same clients. With Redis a
// lock is what its users make of it: SET key token NX PX, tried again after a while, and a Lua
// script that deletes the key if it still has the token. lockd lets the clients wait in a queue.
// Both servers run all the time and are loaded in turn.

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <sstream>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "apps/lockd/lock_load.h"
#include "tests/support/benchmark.h"

namespace weir::benchmark {

namespace {

// A running program, ended with this object.
class Child {
public:
    // Returns when the program has written `ready`; what follows that on the line is rest().
    // Throws std::runtime_error if it ends before.
    Child(std::vector<std::string> command, const std::string& ready) {
        int ends[2];
        check_call(pipe2(ends, O_CLOEXEC), "pipe");
        std::vector<char*> arguments;
        for (std::string& word : command) {
            arguments.push_back(word.data());
        }
        arguments.push_back(nullptr);
        pid_ = check_call(fork(), "fork");
        if (pid_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            dup2(ends[1], STDOUT_FILENO);
            dup2(ends[1], STDERR_FILENO);
            execvp(arguments[0], arguments.data());
            _exit(127);
        }
        close(ends[1]);
        output_ = ends[0];
        wait_for(command[0], ready);
    }
    ~Child() {
        kill(pid_, SIGTERM);
        waitpid(pid_, nullptr, 0);
        close(output_);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    // The processor time that it has taken, in microseconds.
    double processor_time() const {
        clockid_t clock{};
        timespec taken{};
        if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &taken) != 0) {
            throw std::runtime_error("a server is gone");
        }
        return static_cast<double>(taken.tv_sec) * 1e6 + static_cast<double>(taken.tv_nsec) / 1e3;
    }

    const std::string& rest() const noexcept { return rest_; }

private:
    void wait_for(const std::string& program, const std::string& ready) {
        std::string text;
        char byte;
        while (read(output_, &byte, 1) == 1) {
            text += byte;
            const auto found = text.find(ready);
            if (found != std::string::npos && byte == '\n') {
                rest_ = text.substr(found + ready.size());
                return;
            }
        }
        waitpid(pid_, nullptr, 0);
        throw std::runtime_error(program + " did not start: " + text);
    }

    pid_t pid_ = -1;
    int output_ = -1;
    std::string rest_;
};

int free_port() {
    const int fd = check_call(socket(AF_INET, SOCK_STREAM, 0), "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    check_call(bind(fd, reinterpret_cast<sockaddr*>(&address), size), "bind");
    check_call(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    close(fd);
    return ntohs(address.sin_port);
}

struct Server {
    std::string name;
    std::unique_ptr<Child> process;
    int port;
    LockProtocol protocol;
};

Server start_lockd(const std::filesystem::path& weir) {
    auto process = std::make_unique<Child>(
        std::vector<std::string>{weir, "run", LOCKD_JSON, "--set",
                                 R"(module.resp.listen=["tcp://127.0.0.1:0"])"},
        "resp listens at tcp://127.0.0.1:");
    const int port = std::stoi(process->rest());
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

// The script's hash.
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
                                 "127.0.0.1", "--save", "", "--appendonly", "no"},
        "Ready to accept connections");
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

bool installed(const std::string& program) {
    const char* path = std::getenv("PATH");
    std::istringstream folders(path == nullptr ? "" : path);
    for (std::string folder; std::getline(folders, folder, ':');) {
        if (access((folder + "/" + program).c_str(), X_OK) == 0) {
            return true;
        }
    }
    return false;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void print(const Options& options, const std::string& workload, const std::string& name,
           const std::vector<LockFigures>& rounds, double& last) {
    const auto of = [&](double LockFigures::*member) {
        std::vector<double> values;
        for (const LockFigures& figures : rounds) {
            values.push_back(figures.*member);
        }
        return values;
    };
    const std::vector<double> speeds = of(&LockFigures::pairs_per_second);
    const double speed = median(speeds);
    const double p50 = median(of(&LockFigures::median));
    const double p99 = median(of(&LockFigures::p99));
    const double requests = median(of(&LockFigures::requests_per_pair));
    const double server = median(of(&LockFigures::server));
    const auto [least, most] = std::minmax_element(speeds.begin(), speeds.end());
    if (options.json) {
        std::printf(
            "{\"workload\": \"%s\", \"contender\": \"%s\", \"pairs_per_second\": %.0f, "
            "\"least\": %.0f, \"most\": %.0f, \"p50_microseconds\": %.1f, "
            "\"p99_microseconds\": %.1f, \"requests_per_pair\": %.2f, "
            "\"server_microseconds_per_pair\": %.2f}\n",
            workload.c_str(), name.c_str(), speed, *least, *most, p50, p99, requests, server);
    } else {
        std::printf(
            "%-39s %-5s %7.0f pairs/s (%.0f .. %.0f)  p50 %.0f us  p99 %.0f us  "
            "server %.1f us/pair, %.1f requests",
            workload.c_str(), name.c_str(), speed, *least, *most, p50, p99, server, requests);
        if (last > 0) {
            std::printf("  lockd/%s %.2f", name.c_str(), last / speed);
        }
        std::printf("\n");
    }
    std::fflush(stdout);
    last = speed;
}

void compare(const Options& options, std::vector<Server>& servers, const std::string& workload,
             LockLoad load) {
    if (options.quick) {
        load.pairs /= 10;
    }
    std::vector<std::vector<LockFigures>> figures(servers.size());
    for (int round = 0; round != (options.quick ? 1 : 5); ++round) {
        for (std::size_t i = 0; i != servers.size(); ++i) {
            LockClients clients(servers[i].port, servers[i].protocol, load);
            const double before = servers[i].process->processor_time();
            figures[i].push_back(clients.run());
            figures[i].back().server = (servers[i].process->processor_time() - before) /
                                       static_cast<double>(clients.pairs());
        }
    }
    double last = 0;
    for (std::size_t i = 0; i != servers.size(); ++i) {
        print(options, i == 0 || options.json ? workload : "", servers[i].name, figures[i], last);
    }
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
    std::vector<Server> servers;
    servers.push_back(start_lockd(weir));
    if (installed("redis-server")) {
        servers.push_back(start_redis());
    } else {
        std::fprintf(stderr, "There is no redis-server here: lockd is measured alone\n");
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
        const auto folder = std::filesystem::canonical("/proc/self/exe").parent_path();
        weir::benchmark::run(options, folder / "../bin/weir");
    } catch (const std::exception& error) {
        std::fprintf(stderr, "lockd_benchmark: %s\n", error.what());
        return 1;
    }
}
