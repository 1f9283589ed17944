// Allocations fail while a mail is sent. The module is linked in: the kit finds nlohmann::json,
// which cannot survive a failure, by names that a plugin does not show.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/pool.h"
#include "core/run/container.h"
#include "core/run/uv_poller.h"
#include "core/system/file_descriptor.h"
#include "core/wait/timeout.h"
#include "modules/mail/module_class.h"
#include "modules/system/call/json.h"
#include "modules/system/server/server.h"
#include "modules/testing/allocations.h"
#include "modules/testing/simulated_server.h"

namespace weir::mail {
namespace {

using namespace std::chrono_literals;

// A server of SMTP that takes all mails, on a thread of its own: its allocations do not fail.
class SmtpPeer {
public:
    SmtpPeer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(listener_.number(), any, size) == 0);
        REQUIRE(::listen(listener_.number(), 100) == 0);
        REQUIRE(::getsockname(listener_.number(), any, &size) == 0);
        port_ = ::ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    SmtpPeer(const SmtpPeer&) = delete;
    SmtpPeer& operator=(const SmtpPeer&) = delete;
    ~SmtpPeer() {
        ::shutdown(listener_.number(), SHUT_RDWR);
        thread_.join();
    }

    std::string address() const { return "smtp://127.0.0.1:" + std::to_string(port_); }
    int mails() const noexcept { return mails_; }

private:
    struct Client {
        FileDescriptor socket;
        std::string input;
        bool in_mail = false;
    };

    void serve() {
        for (;;) {
            std::vector<pollfd> waiting{{listener_.number(), POLLIN, 0}};
            for (const auto& [number, client] : clients_) {
                waiting.push_back({number, POLLIN, 0});
            }
            ::poll(waiting.data(), waiting.size(), -1);
            for (std::size_t i = 1; i != waiting.size(); ++i) {
                if (waiting[i].revents != 0 && !read(clients_.at(waiting[i].fd))) {
                    clients_.erase(waiting[i].fd);
                }
            }
            if (waiting[0].revents != 0) {
                FileDescriptor made(::accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC));
                if (!made) {
                    return;  // it is shut down
                }
                say(made.number(), "220 test");
                const int number = made.number();
                clients_[number].socket = std::move(made);
            }
        }
    }
    static void say(int socket, const std::string& answer) {
        const std::string line = answer + "\r\n";
        static_cast<void>(::send(socket, line.data(), line.size(), MSG_NOSIGNAL));
    }
    // Returns whether the client goes on.
    bool read(Client& client) {
        char bytes[4096];
        const ssize_t count = ::read(client.socket.number(), bytes, sizeof bytes);
        if (count <= 0) {
            return false;
        }
        client.input.append(bytes, static_cast<std::size_t>(count));
        for (std::size_t end; (end = client.input.find("\r\n")) != std::string::npos;) {
            const std::string line = client.input.substr(0, end);
            client.input.erase(0, end + 2);
            if (client.in_mail ? line == "." : line != "DATA") {
                mails_ += client.in_mail ? 1 : 0;
                client.in_mail = false;
                say(client.socket.number(), line == "QUIT" ? "221 bye" : "250 well");
            } else if (!client.in_mail) {
                client.in_mail = true;
                say(client.socket.number(), "354 go on");
            }
        }
        return true;
    }

    const FileDescriptor listener_;
    std::uint16_t port_ = 0;
    std::map<int, Client> clients_;  // of the thread
    std::atomic<int> mails_ = 0;
    std::thread thread_;
};

Task<ApiResult<Json>> send_mail() {
    Json mail = Json::object({{"to", Json::array({"Ann <ann@example.com>"})},
                              {"subject", "A subject that is not short"},
                              {"text", "A text that is not short, either"},
                              {"html", "<p>A text that is not short, either</p>"}});
    co_return co_await call("mail", "send", std::move(mail));
}

// What has become of the mail for which memory failed.
enum class First { sent, failed };

Task<> send_two(Server& server, AllocationFailure& failure, First& first, bool& second) {
    while (server.stage() == ServerStage::starting) {
        co_await sleep(1ms);
    }
    failure.arm();
    try {
        Task<ApiResult<Json>> sending = send_mail();
        const ApiResult<Json> result = co_await sending;
        const AllocationPause pause;
        first = result ? First::sent : First::failed;
    } catch (const std::bad_alloc&) {
        first = First::failed;
    }
    failure.disarm();
    Task<ApiResult<Json>> sending = send_mail();
    const ApiResult<Json> result = co_await sending;
    second = result.ok();
    co_await server.loader().unload_all();
}

}  // namespace

TEST_CASE("a mail for which there is no memory fails at once, and the next one is sent") {
    SmtpPeer peer;
    const std::string app = R"({"server": {"startup": ["mail"]}, "module": {"mail": {
        "server": ")" + peer.address() +
                            R"(", "tls": "none", "from": "Weir <weir@example.com>",
        "timeout": "1h", "at_once": 1}}})";
    fail_each_allocation([&](AllocationFailure& failure) {
        const int before = peer.mails();
        const auto began = std::chrono::steady_clock::now();
        First first = First::failed;
        bool second = false;
        {
            const pool::Bypass bypass;  // blocks that are kept would neither fail nor be counted
            UvPoller poller;
            Server server(poller, SimulatedServer::read(app),
                          ServerOptions{.registry = Registry().add(mail_class()),
                                        .log = [](const LogRecord&) {}});
            Container container(server.scheduler());
            server.start_modules();
            container.start(send_two(server, failure, first, second));
            run_without_memory(server.scheduler());
        }
        INFO(failure.where());
        CHECK((first == First::sent || failure.happened()));
        CHECK(second);
        CHECK(peer.mails() >= before + (first == First::sent ? 2 : 1));
        CHECK(std::chrono::steady_clock::now() - began < 20s);
    });
}

}  // namespace weir::mail
