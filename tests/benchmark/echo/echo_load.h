#pragma once

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/epoll.h>

#include "tests/support/loopback.h"

// Loads an echo server from one thread on epoll.
namespace weir::benchmark {

struct EchoLoad {
    int connections = 50;
    long requests = 100'000;  // counted ones; a tenth more warms up
    std::size_t bytes = 64;   // of a request
};

struct EchoFigures {
    double requests_per_second = 0;
    double median = 0;  // microseconds from a request to its reply
    double p99 = 0;     // microseconds
};

// Connects to a port of loopback. Each connection has one request under way, and sends the next
// when the reply has arrived. Throws std::runtime_error if a reply is not what was sent, or if the
// server closes a connection or is silent for 30 seconds.
class EchoClients {
public:
    EchoClients(int port, const EchoLoad& load)
        : load_(load),
          request_(load.bytes, 'x'),
          poll_(check_call(epoll_create1(EPOLL_CLOEXEC), "epoll")) {
        for (int i = 0; i != load.connections; ++i) {
            epoll_event event{.events = EPOLLIN, .data = {.u64 = clients_.size()}};
            clients_.push_back({.fd = connect_to(port), .missing = 0, .sent = {}});
            check_call(epoll_ctl(poll_, EPOLL_CTL_ADD, clients_.back().fd, &event), "epoll_ctl");
        }
    }
    ~EchoClients() {
        for (const Client& client : clients_) {
            close(client.fd);
        }
        close(poll_);
    }
    EchoClients(const EchoClients&) = delete;
    EchoClients& operator=(const EchoClients&) = delete;

    // So many requests and replies.
    EchoFigures run(long requests) {
        times_.clear();
        times_.reserve(static_cast<std::size_t>(requests));
        left_ = requests;
        const auto began = Clock::now();
        for (Client& client : clients_) {
            ask(client);
        }
        while (times_.size() != static_cast<std::size_t>(requests)) {
            poll();
        }
        const std::chrono::duration<double> taken = Clock::now() - began;
        std::sort(times_.begin(), times_.end());
        const auto at = [this](double part) {
            return times_[static_cast<std::size_t>(static_cast<double>(times_.size() - 1) * part)];
        };
        return {static_cast<double>(requests) / taken.count(), at(0.5), at(0.99)};
    }

private:
    using Clock = std::chrono::steady_clock;

    struct Client {
        int fd;
        std::size_t missing;  // bytes of the reply
        Clock::time_point sent;
    };

    void ask(Client& client) {
        if (left_ == 0) {
            return;
        }
        --left_;
        client.missing = request_.size();
        client.sent = Clock::now();
        const auto sent = send(client.fd, request_.data(), request_.size(), MSG_NOSIGNAL);
        if (sent != static_cast<ssize_t>(request_.size())) {
            throw std::runtime_error("a request could not be sent");
        }
    }

    void poll() {
        epoll_event events[256];
        const int count = check_call(epoll_wait(poll_, events, 256, 30'000), "epoll_wait");
        if (count == 0) {
            throw std::runtime_error("the server is silent");
        }
        for (int n = 0; n != count; ++n) {
            receive(clients_[events[n].data.u64]);
        }
    }

    void receive(Client& client) {
        char bytes[4096];
        const auto got = read(client.fd, bytes, sizeof bytes);
        if (got <= 0) {
            throw std::runtime_error("the server closed a connection");
        }
        const auto size = static_cast<std::size_t>(got);
        if (size > client.missing || request_.compare(0, size, bytes, size) != 0) {
            throw std::runtime_error("a reply is not what was sent");
        }
        client.missing -= size;
        if (client.missing == 0) {
            times_.push_back(
                std::chrono::duration<double, std::micro>(Clock::now() - client.sent).count());
            ask(client);
        }
    }

    const EchoLoad load_;
    const std::string request_;
    const int poll_;
    std::vector<Client> clients_;
    std::vector<double> times_;
    long left_ = 0;  // requests to be sent
};

}  // namespace weir::benchmark
