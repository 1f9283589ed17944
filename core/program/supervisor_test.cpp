#include "core/program/supervisor.h"

#include <array>
#include <cstdlib>
#include <string>

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/system/file_descriptor.h"

namespace weir {

using namespace std::chrono_literals;

namespace {

// The supervisor's end, at a name that is free.
class Receiver {
public:
    Receiver() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socklen_t size = sizeof(address.sun_family);
        // The system chooses an abstract name.
        REQUIRE(::bind(socket_.number(), reinterpret_cast<sockaddr*>(&address), size) == 0);
        size = sizeof(address);
        ::getsockname(socket_.number(), reinterpret_cast<sockaddr*>(&address), &size);
        name_ = '@' + std::string(address.sun_path + 1, size - sizeof(address.sun_family) - 1);
    }
    const std::string& name() const noexcept { return name_; }
    std::string receive() {
        std::array<char, 4096> bytes{};
        const ssize_t count = ::recv(socket_.number(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        return count < 0 ? "nothing" : std::string(bytes.data(), static_cast<std::size_t>(count));
    }

private:
    FileDescriptor socket_;
    std::string name_;
};

void set(const char* name, const std::string& value) {
    ::setenv(name, value.c_str(), 1);
}

}  // namespace

TEST_CASE("a supervisor gets what the program tells it") {
    Receiver receiver;
    const Supervisor supervisor(receiver.name());
    CHECK(supervisor.present());
    CHECK(supervisor.status("loads"));
    CHECK(receiver.receive() == "STATUS=loads\n");
    CHECK(supervisor.ready("serves"));
    CHECK(receiver.receive() == "READY=1\nSTATUS=serves\n");
    CHECK(supervisor.reloading("reads"));
    CHECK_THAT(receiver.receive(),
               Catch::Matches("RELOADING=1\nMONOTONIC_USEC=[0-9]+\nSTATUS=reads\n"));
    CHECK(supervisor.alive());
    CHECK(receiver.receive() == "WATCHDOG=1\n");
    CHECK(supervisor.stopping("unloads"));
    CHECK(receiver.receive() == "STOPPING=1\nSTATUS=unloads\n");
}

TEST_CASE("a status with a line end cannot be another message") {
    Receiver receiver;
    CHECK(Supervisor(receiver.name()).status("a\nSTOPPING=1"));
    CHECK(receiver.receive() == "STATUS=a\n");
}

TEST_CASE("without a supervisor a notice succeeds, and it fails if the supervisor has gone") {
    const Supervisor nobody;
    CHECK_FALSE(nobody.present());
    CHECK(nobody.ready("serves"));
    CHECK_FALSE(Supervisor("/nowhere/notify").ready("serves"));
    CHECK_FALSE(Supervisor(std::string(200, 'x')).ready("serves"));
}

TEST_CASE("the environment names the supervisor once, and children know nothing of it") {
    set("NOTIFY_SOCKET", "@weir-test");
    set("WATCHDOG_USEC", "20000000");
    set("WATCHDOG_PID", std::to_string(::getpid()));
    set("LISTEN_FDS", "1");
    const Supervisor supervisor = Supervisor::of_environment();
    CHECK(supervisor.present());
    CHECK(supervisor.watchdog() == 20s);
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS"}) {
        CHECK(std::getenv(name) == nullptr);
    }
    CHECK_FALSE(Supervisor::of_environment().present());
}

TEST_CASE("signs of life that another process is asked for are not this one's") {
    set("NOTIFY_SOCKET", "@weir-test");
    set("WATCHDOG_USEC", "20000000");
    set("WATCHDOG_PID", "1");
    CHECK_FALSE(Supervisor::of_environment().watchdog());
    set("NOTIFY_SOCKET", "@weir-test");
    set("WATCHDOG_USEC", "much");
    CHECK_FALSE(Supervisor::of_environment().watchdog());
}

}  // namespace weir
