// Takes locks through the C client of ZooKeeper, for figures.py to compare with: all threads in one
// session, each takes a lock and gives it back, again and again. Its recipe is that of the
// documentation: a node, a list, a watch of the node before it.
//
// usage: c_client_load SERVERS SECONDS CLIENTS own|one
//
// Prints {"waits": [seconds, ...], "cpu": seconds, "seconds": seconds}.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <future>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <zookeeper/zookeeper.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int session_timeout = 4000;  // milliseconds

int require_done(int code, const char* what) {
    if (code != ZOK) {
        throw std::runtime_error(std::string(what) + ": " + ::zerror(code));
    }
    return code;
}

double seconds(Clock::duration time) {
    return std::chrono::duration<double>(time).count();
}

class Session {
public:
    explicit Session(const char* servers) {
        ::zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
        handle_ = ::zookeeper_init(servers, &Session::notice, session_timeout, nullptr, this, 0);
        if (handle_ == nullptr) {
            throw std::runtime_error("no session");
        }
        connected_.get_future().wait();
    }
    ~Session() { ::zookeeper_close(handle_); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    zhandle_t* handle() const noexcept { return handle_; }

    void make(const std::string& path) {
        const int code =
            ::zoo_create(handle_, path.c_str(), nullptr, -1, &ZOO_OPEN_ACL_UNSAFE, 0, nullptr, 0);
        require_done(code == ZNODEEXISTS ? ZOK : code, "making a node");
    }

private:
    static void notice(zhandle_t*, int type, int state, const char*, void* context) {
        auto* const self = static_cast<Session*>(context);
        if (type == ZOO_SESSION_EVENT && state == ZOO_CONNECTED_STATE && !self->told_) {
            self->told_ = true;
            self->connected_.set_value();
        }
    }

    zhandle_t* handle_ = nullptr;
    bool told_ = false;  // only the library's thread looks
    std::promise<void> connected_;
};

class Lock {
public:
    Lock(Session& session, std::string path) : handle_(session.handle()), path_(std::move(path)) {
        session.make(path_);
    }

    void lock() {
        std::array<char, 256> made{};
        require_done(
            ::zoo_create(handle_, (path_ + "/lock-").c_str(), nullptr, -1, &ZOO_OPEN_ACL_UNSAFE,
                         ZOO_EPHEMERAL | ZOO_SEQUENCE, made.data(), static_cast<int>(made.size())),
            "making a node");
        node_ = made.data();
        for (;;) {
            const std::string before = node_before();
            if (before.empty()) {
                return;
            }
            std::promise<void> gone;
            const int code = ::zoo_wexists(handle_, (path_ + '/' + before).c_str(), &Lock::notice,
                                           &gone, nullptr);
            if (code == ZOK) {
                gone.get_future().wait();
            } else if (code != ZNONODE) {
                require_done(code, "watching");
            }
        }
    }

    void unlock() { require_done(::zoo_delete(handle_, node_.c_str(), -1), "giving back"); }

private:
    // Returns the name of the last node before the own one; empty: there is none.
    std::string node_before() {
        String_vector names{};
        require_done(::zoo_get_children(handle_, path_.c_str(), 0, &names), "listing");
        const std::string own = node_.substr(path_.size() + 1);
        std::string before;
        for (int i = 0; i != names.count; ++i) {
            const std::string name = names.data[i];
            if (name < own && name > before) {
                before = name;
            }
        }
        ::deallocate_String_vector(&names);
        return before;
    }

    static void notice(zhandle_t*, int type, int, const char*, void* context) {
        if (type != ZOO_SESSION_EVENT) {
            static_cast<std::promise<void>*>(context)->set_value();
        }
    }

    zhandle_t* handle_;
    const std::string path_;
    std::string node_;
};

void take_locks(Session& session, const std::string& path, Clock::time_point end,
                std::vector<double>& waits) {
    Lock lock(session, path);
    for (Clock::time_point start = Clock::now(); start < end; start = Clock::now()) {
        lock.lock();
        waits.push_back(seconds(Clock::now() - start));
        lock.unlock();
    }
}

void run(const char* servers, std::chrono::seconds time, std::size_t clients, bool one_key) {
    Session session(servers);
    session.make("/c-client");
    const std::clock_t cpu_before = std::clock();
    const Clock::time_point start = Clock::now();
    std::vector<std::vector<double>> waits(clients);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i != clients; ++i) {
        const std::string path = "/c-client/" + (one_key ? "same" : "own-" + std::to_string(i));
        threads.emplace_back([&, path, i] { take_locks(session, path, start + time, waits[i]); });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    std::printf("{\"waits\": [");
    const char* comma = "";
    for (const std::vector<double>& of_one : waits) {
        for (const double wait : of_one) {
            std::printf("%s%.6f", comma, wait);
            comma = ", ";
        }
    }
    std::printf("], \"cpu\": %.3f, \"seconds\": %.3f}\n",
                static_cast<double>(std::clock() - cpu_before) / CLOCKS_PER_SEC,
                seconds(Clock::now() - start));
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 5) {
        std::fprintf(stderr, "usage: c_client_load SERVERS SECONDS CLIENTS own|one\n");
        return 2;
    }
    try {
        run(arguments[1], std::chrono::seconds(std::atoi(arguments[2])),
            static_cast<std::size_t>(std::atoi(arguments[3])),
            std::string_view(arguments[4]) == "one");
    } catch (const std::exception& error) {
        std::fprintf(stderr, "c_client_load: %s\n", error.what());
        return 1;
    }
    return 0;
}
