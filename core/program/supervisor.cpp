#include "core/program/supervisor.h"

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/net/handed_sockets.h"

// The protocol itself, and not libsystemd, which would bring five more libraries into the process
// of every server for these lines. systemd keeps the protocol stable, and other supervisors speak
// it.

namespace weir {
namespace {

std::string_view environment_value(const char* name) noexcept {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

std::optional<std::int64_t> supervisor_number(std::string_view digits) noexcept {
    std::int64_t number = 0;
    const char* const end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, number);
    return error == std::errc() && rest == end ? std::optional(number) : std::nullopt;
}

// Nothing if the supervisor does not ask for signs of life, or asks another process.
std::optional<Duration> asked_signs_of_life() noexcept {
    const std::string_view process = environment_value("WATCHDOG_PID");
    const std::optional<std::int64_t> microseconds =
        supervisor_number(environment_value("WATCHDOG_USEC"));
    if (!microseconds || *microseconds <= 0 ||
        (!process.empty() && supervisor_number(process) != getpid())) {
        return {};
    }
    return std::chrono::microseconds(*microseconds);
}

std::int64_t monotonic_microseconds() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace

Supervisor::Supervisor(std::string socket, std::optional<Duration> watchdog)
    : socket_(std::move(socket)), watchdog_(watchdog) {}

Supervisor Supervisor::of_environment() {
    HandedSockets::of_process();
    Supervisor supervisor{std::string(environment_value("NOTIFY_SOCKET"))};
    if (supervisor.present()) {
        supervisor.watchdog_ = asked_signs_of_life();
    }
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID",
                             "LISTEN_FDS", "LISTEN_FDNAMES"}) {
        ::unsetenv(name);
    }
    return supervisor;
}

bool Supervisor::status(std::string_view status) const noexcept {
    return send({}, status);
}

bool Supervisor::ready(std::string_view status) const noexcept {
    return send("READY=1\n", status);
}

bool Supervisor::reloading(std::string_view status) const noexcept {
    std::string message = "RELOADING=1\nMONOTONIC_USEC=";
    message += std::to_string(monotonic_microseconds()) + '\n';
    return send(message, status);
}

bool Supervisor::stopping(std::string_view status) const noexcept {
    return send("STOPPING=1\n", status);
}

bool Supervisor::alive() const noexcept {
    return send("WATCHDOG=1\n");
}

bool Supervisor::send(std::string_view message, std::string_view status) const noexcept {
    if (!present()) {
        return true;
    }
    sockaddr_un address{};
    if (socket_.size() > sizeof(address.sun_path)) {
        return false;
    }
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    if (socket_.front() == '@') {
        address.sun_path[0] = '\0';
    }
    std::string text(message);
    if (!status.empty()) {
        // The next line would be another message.
        text.append("STATUS=").append(status.substr(0, status.find('\n'))).append("\n");
    }
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) {
        return false;
    }
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
    const ssize_t sent = ::sendto(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                                  reinterpret_cast<const sockaddr*>(&address), size);
    ::close(socket);
    return sent >= 0;
}

}  // namespace weir
