#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <queue>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sys/epoll.h>

#include "tests/support/loopback.h"

// Loads a lock server that speaks the Redis protocol from one thread on epoll, so that the clients
// cost less than the server.
namespace weir::benchmark {

// A request in the Redis protocol.
inline std::string request(const std::vector<std::string>& words) {
    std::string result = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string& word : words) {
        result += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    }
    return result;
}

// The requests by which a client locks and unlocks a key.
struct LockProtocol {
    std::function<std::string(const std::string& key, const std::string& token)> acquire;
    std::function<std::string(const std::string& key, const std::string& token)> release;
};

struct LockLoad {
    int clients = 1;
    bool one_key = false;  // all clients lock the same key, or each its own
    long pairs = 1000;     // counted pairs of lock and unlock
    // The time after which a client retries if another holds the lock, varied at random between
    // half and one and a half times this.
    std::chrono::microseconds retry{1000};
};

// Times are those of a pair: from the first request for the lock to the reply that it is released.
struct LockFigures {
    double pairs_per_second = 0;
    double median = 0;  // microseconds
    double p99 = 0;     // microseconds
    double requests_per_pair = 0;
    double server = 0;  // microseconds of processor time that the server takes for a pair
};

// Loads the server at a port of loopback. Each client takes the lock, releases it as soon as it has
// it, and at once requests it again. Throws std::runtime_error if a fencing token does not grow,
// and on any reply that is not expected.
class LockClients {
public:
    LockClients(int port, const LockProtocol& protocol, const LockLoad& load)
        : load_(load),
          warm_up_(load.pairs / 5),
          poll_(check_call(epoll_create1(EPOLL_CLOEXEC), "epoll")) {
        for (int i = 0; i != load.clients; ++i) {
            const std::string key = "key:" + std::to_string(load.one_key ? 0 : i);
            const std::string token = "client:" + std::to_string(i);
            Client client;
            client.fd = connect_to(port);
            client.acquire = protocol.acquire(key, token);
            client.release = protocol.release(key, token);
            client.key = static_cast<std::size_t>(load.one_key ? 0 : i);
            epoll_event event{.events = EPOLLIN, .data = {.u64 = clients_.size()}};
            clients_.push_back(std::move(client));
            check_call(epoll_ctl(poll_, EPOLL_CTL_ADD, clients_.back().fd, &event), "epoll_ctl");
        }
        tokens_.resize(clients_.size());
        times_.reserve(static_cast<std::size_t>(load.pairs));
    }
    ~LockClients() {
        for (const Client& client : clients_) {
            close(client.fd);
        }
        close(poll_);
    }
    LockClients(const LockClients&) = delete;
    LockClients& operator=(const LockClients&) = delete;

    LockFigures run() {
        for (std::size_t i = 0; i != clients_.size(); ++i) {
            want(i);
        }
        while (active_ > 0) {
            poll();
        }
        std::sort(times_.begin(), times_.end());
        const auto at = [this](double part) {
            return times_[static_cast<std::size_t>(static_cast<double>(times_.size() - 1) * part)];
        };
        const std::chrono::duration<double> taken = ended_ - began_;
        const auto pairs = static_cast<double>(times_.size());
        return {pairs / taken.count(), at(0.5), at(0.99), static_cast<double>(requests_) / pairs,
                0};
    }

    // The number of all pairs, including those of the warm-up and of the end.
    long pairs() const noexcept { return all_; }

private:
    using Clock = std::chrono::steady_clock;

    enum class Phase { idle, acquiring, releasing };

    struct Client {
        int fd = -1;
        Phase phase = Phase::idle;
        std::string acquire;
        std::string release;
        std::size_t key = 0;
        std::string reply;
        Clock::time_point wanted;
    };

    struct Retry {
        Clock::time_point time;
        std::size_t client;
        bool operator>(const Retry& other) const { return time > other.time; }
    };

    bool done() const { return done_ >= warm_up_ + load_.pairs; }

    void want(std::size_t i) {
        ++active_;
        clients_[i].wanted = Clock::now();
        clients_[i].phase = Phase::acquiring;
        send(clients_[i], clients_[i].acquire);
    }

    void send(const Client& client, const std::string& bytes) {
        const auto sent = ::send(client.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent != static_cast<ssize_t>(bytes.size())) {
            throw std::runtime_error("a request could not be sent");
        }
        if (done_ >= warm_up_ && !done()) {
            ++requests_;
        }
    }

    void poll() {
        timespec wait{};
        if (!retries_.empty()) {
            const auto left = std::max(retries_.top().time - Clock::now(), Clock::duration{});
            wait.tv_nsec = static_cast<long>(std::chrono::nanoseconds(left).count());
        }
        epoll_event events[256];
        const int count =
            epoll_pwait2(poll_, events, 256, retries_.empty() ? nullptr : &wait, nullptr);
        check_call(count, "epoll_pwait2");
        for (int n = 0; n != count; ++n) {
            receive(static_cast<std::size_t>(events[n].data.u64));
        }
        const auto now = Clock::now();
        while (!retries_.empty() && retries_.top().time <= now) {
            const Client& client = clients_[retries_.top().client];
            retries_.pop();
            send(client, client.acquire);
        }
    }

    // Each request is answered by one line.
    void receive(std::size_t i) {
        Client& client = clients_[i];
        char bytes[256];
        const auto got = read(client.fd, bytes, sizeof bytes);
        if (got <= 0) {
            throw std::runtime_error("the server closed a connection");
        }
        client.reply.append(bytes, static_cast<std::size_t>(got));
        if (!client.reply.ends_with("\r\n")) {
            return;
        }
        answered(i, std::string_view(client.reply).substr(0, client.reply.size() - 2));
        client.reply.clear();
    }

    void answered(std::size_t i, std::string_view reply) {
        Client& client = clients_[i];
        if (client.phase == Phase::acquiring && reply == "$-1") {
            const auto least = load_.retry / 2;
            retries_.push({Clock::now() + least + least * (random_() % 201) / 100, i});
        } else if (client.phase == Phase::acquiring && (reply == "+OK" || reply[0] == ':')) {
            if (reply[0] == ':') {
                const long token = std::stol(std::string(reply.substr(1)));
                if (token <= tokens_[client.key]) {
                    throw std::runtime_error("a fencing token did not grow");
                }
                tokens_[client.key] = token;
            }
            client.phase = Phase::releasing;
            send(client, client.release);
        } else if (client.phase == Phase::releasing && reply == ":1") {
            finished(client);
            --active_;
            if (!done()) {
                want(i);
            }
        } else {
            throw std::runtime_error("unexpected reply: " + std::string(reply));
        }
    }

    void finished(Client& client) {
        client.phase = Phase::idle;
        ++all_;
        if (done()) {
            return;  // clients that still wait after the last counted pair
        }
        const auto now = Clock::now();
        ++done_;
        if (done_ > warm_up_) {
            times_.push_back(
                std::chrono::duration<double, std::micro>(now - client.wanted).count());
        } else {
            began_ = now;
        }
        ended_ = now;
    }

    const LockLoad load_;
    const long warm_up_;
    const int poll_;
    std::vector<Client> clients_;
    std::vector<long> tokens_;  // the last token of each key
    std::priority_queue<Retry, std::vector<Retry>, std::greater<>> retries_;
    std::minstd_rand random_{7};
    std::vector<double> times_;
    int active_ = 0;  // clients with a pair under way
    long all_ = 0;    // pairs
    long done_ = 0;   // pairs of the warm-up and counted ones
    long requests_ = 0;
    Clock::time_point began_;
    Clock::time_point ended_;
};

}  // namespace weir::benchmark
