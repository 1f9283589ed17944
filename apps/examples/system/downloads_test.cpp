#include "downloads.h"

#include <array>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weir/core.h>

using namespace std::chrono_literals;

// Answers requests over HTTP on a thread of its own, none before so many have come.
class HttpServer {
public:
    explicit HttpServer(int requests) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(listener_, any, size) == 0);
        REQUIRE(::listen(listener_, 8) == 0);
        REQUIRE(::getsockname(listener_, any, &size) == 0);
        url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + '/';
        thread_ = std::thread([this, requests] { serve(requests); });
    }
    ~HttpServer() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }

    std::string url(const std::string& path) const { return url_ + path; }

private:
    void serve(int requests) const {
        std::vector<std::pair<int, std::string>> clients;
        while (static_cast<int>(clients.size()) != requests) {
            const int client = ::accept(listener_, nullptr, nullptr);
            if (client < 0) {
                break;
            }
            std::string request;
            std::array<char, 4096> buffer{};
            while (request.find("\r\n\r\n") == std::string::npos) {
                const ssize_t count = ::read(client, buffer.data(), buffer.size());
                if (count <= 0) {
                    break;
                }
                request.append(buffer.data(), static_cast<std::size_t>(count));
            }
            clients.emplace_back(client, request);
        }
        for (const auto& [client, request] : clients) {
            const bool found = request.find("/missing") == std::string::npos;
            const std::string path = request.substr(4, request.find(' ', 4) - 4);
            const std::string answer =
                (found ? "HTTP/1.1 200 OK" : "HTTP/1.1 404 Not Found") +
                ("\r\nConnection: close\r\nContent-Length: " + std::to_string(path.size())) +
                "\r\n\r\n" + path;
            CHECK(::write(client, answer.data(), answer.size()) ==
                  static_cast<ssize_t>(answer.size()));
            ::close(client);
        }
    }

    int listener_;
    std::string url_;
    std::thread thread_;
};

struct Program {
    weir::UvPoller world;
    weir::Scheduler scheduler{world, {.queue = weir::standard_root()}};
    Downloads downloads{scheduler};
    weir::Container container{scheduler};
};

static weir::Task<> fetch(Downloads& downloads, std::string url, std::string& result) {
    try {
        result = co_await downloads.fetch(url);
    } catch (const std::runtime_error& error) {
        result = error.what();
    }
}

TEST_CASE("libcurl fetches two pages at the same time") {
    const HttpServer server(2);
    Program program;
    weir::add_standard_queues(program.scheduler.queue());
    std::string one;
    std::string two;
    program.container.start(fetch(program.downloads, server.url("one"), one));
    program.container.start(fetch(program.downloads, server.url("two"), two));
    program.scheduler.run();
    CHECK(one == "/one");
    CHECK(two == "/two");
}

TEST_CASE("what cannot be fetched is an exception in the routine") {
    const HttpServer server(1);
    Program program;
    weir::add_standard_queues(program.scheduler.queue());
    std::string result;
    program.container.start(fetch(program.downloads, server.url("missing"), result));
    program.scheduler.run();
    CHECK(result == server.url("missing") + ": HTTP response code said error");
}

TEST_CASE("a routine that is closed takes its transfer with it") {
    const HttpServer server(2);  // never answers the one request that comes
    Program program;
    weir::add_standard_queues(program.scheduler.queue());
    std::string result = "none";
    const auto fetch_for_a_while = [](Downloads& downloads, std::string url,
                                      bool& ended) -> weir::Task<> {
        const auto content = co_await weir::execute_with_timeout(50ms, downloads.fetch(url));
        ended = !content.has_value();
    };
    bool ended = false;
    program.container.start(fetch_for_a_while(program.downloads, server.url("slow"), ended));
    program.scheduler.run();
    CHECK(ended);
}
