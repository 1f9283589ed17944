#include "apps/weir/resp_connect.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "apps/weir/connection_error.h"
#include "apps/weir/output.h"
#include "config/text/quoted.h"
#include "modules/system/rights/owner_socket.h"

namespace weir::app {

namespace {

using Clock = std::chrono::steady_clock;

// A socket address of the system, of any family.
struct Target {
    sockaddr_storage address{};
    socklen_t size = 0;
};

struct HostAndPort {
    std::string host;
    std::string port;
};

int milliseconds_until(Clock::time_point end) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

HostAndPort parse(std::string address) {
    const auto refuse = [&]() -> HostAndPort {
        throw std::invalid_argument(
            "'" + config::printable(address) +
            "' is no address: expected host:port, tls://host:port or unix:/path");
    };
    if (address.starts_with("tcp://") || address.starts_with("tls://")) {
        address.erase(0, 6);
    }
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos || colon == 0 || address.find('\0') != std::string::npos) {
        return refuse();
    }
    int port = 0;
    const char* const end = address.data() + address.size();
    if (std::from_chars(address.data() + colon + 1, end, port).ptr != end || port <= 0 ||
        port > 65535) {
        return refuse();
    }
    std::string host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    return {std::move(host), std::to_string(port)};
}

struct Resolved {
    int error = 0;
    std::vector<Target> targets;
};

Resolved resolve(const HostAndPort& name, int flags) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    Resolved resolved;
    resolved.error = getaddrinfo(name.host.c_str(), name.port.c_str(), &hints, &list);
    for (const addrinfo* found = list; found != nullptr; found = found->ai_next) {
        Target& target = resolved.targets.emplace_back();
        std::memcpy(&target.address, found->ai_addr, found->ai_addrlen);
        target.size = found->ai_addrlen;
    }
    if (list != nullptr) {
        freeaddrinfo(list);
    }
    return resolved;
}

// The system's search for a name has no limit of its own that could be set here: when it takes too
// long, its thread is left behind.
std::vector<Target> resolve_until(const HostAndPort& name, Clock::time_point end) {
    Resolved resolved = resolve(name, AI_NUMERICHOST);
    if (resolved.error != 0) {
        std::packaged_task<Resolved()> search([name] { return resolve(name, 0); });
        std::future<Resolved> found = search.get_future();
        std::thread searcher(std::move(search));
        if (found.wait_until(end) != std::future_status::ready) {
            searcher.detach();
            throw ConnectionError("its name is not found in time");
        }
        searcher.join();
        resolved = found.get();
    }
    if (resolved.error != 0) {
        throw ConnectionError(gai_strerror(resolved.error));
    }
    return std::move(resolved.targets);
}

Target unix_target(const std::string& path) {
    Target target;
    auto& address = reinterpret_cast<sockaddr_un&>(target.address);
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        throw std::invalid_argument("a path of a Unix socket has 1 to " +
                                    std::to_string(sizeof address.sun_path - 1) + " bytes");
    }
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    target.size = sizeof address;
    return target;
}

// Returns 0, or the error number with which connecting failed.
int wait_connected(int file, Clock::time_point end) {
    if (!wait_for(file, POLLOUT, end)) {
        return ETIMEDOUT;
    }
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

// Returns a connected socket, or a negative error number.
int connect_target(const Target& target, Clock::time_point end) {
    const int file =
        socket(target.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (file < 0) {
        return -errno;
    }
    int error = 0;
    // EAGAIN: the server takes no connections of its Unix socket now, and there is no waiting for
    // that but trying again.
    while (connect(file, reinterpret_cast<const sockaddr*>(&target.address), target.size) != 0) {
        error = errno;
        if (error == EINPROGRESS || error == EINTR) {
            error = wait_connected(file, end);
            break;
        }
        if (error != EAGAIN || Clock::now() >= end) {
            break;
        }
        poll(nullptr, 0, std::min(milliseconds_until(end), 20));
        error = 0;
    }
    if (error != 0) {
        close(file);
        return -(error == EAGAIN ? ETIMEDOUT : error);
    }
    return file;
}

void set_tcp_options(int file) {
    const int on = 1;
    const int seconds = 15;  // of silence before the system asks the other machine, and between
    const int times = 3;
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(file, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(file, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds);
    setsockopt(file, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof seconds);
    setsockopt(file, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof times);
}

// The owner's sockets of a port of this machine: there the server knows who connects.
std::vector<Target> owner_targets(const std::string& address) {
    std::vector<Target> targets;
    if (address.starts_with("unix:") || address.starts_with("tls://")) {
        return targets;
    }
    const HostAndPort name = parse(address);
    if (name.host == "127.0.0.1" || name.host == "::1" || name.host == "localhost") {
        std::uint16_t port = 0;
        std::from_chars(name.port.data(), name.port.data() + name.port.size(), port);
        for (const std::string& path : owner_sockets(port)) {
            targets.push_back(unix_target(path));
        }
    }
    return targets;
}

int connect_any(const std::string& address, Clock::time_point end) {
    for (const Target& target : owner_targets(address)) {
        // One that is left behind, or not for this user, leaves the port.
        if (const int file = connect_target(target, end); file >= 0) {
            return file;
        }
    }
    const bool is_unix = address.starts_with("unix:");
    const std::vector<Target> targets = is_unix
                                            ? std::vector<Target>{unix_target(address.substr(5))}
                                            : resolve_until(parse(address), end);
    int error = ENOENT;
    for (std::size_t i = 0; i != targets.size(); ++i) {
        // One address that does not answer leaves time for the next.
        const auto share = (end - Clock::now()) / static_cast<int>(targets.size() - i);
        const int file = connect_target(targets[i], Clock::now() + share);
        if (file >= 0) {
            if (!is_unix) {
                set_tcp_options(file);
            }
            return file;
        }
        error = -file;
    }
    throw ConnectionError(error == ETIMEDOUT ? "it does not answer in time" : reason(error));
}

}  // namespace

bool wait_for(int socket, int events, Clock::time_point end) {
    for (;;) {
        pollfd file{.fd = socket, .events = static_cast<short>(events), .revents = 0};
        const int time = milliseconds_until(end);
        if (poll(&file, 1, time) > 0) {
            return true;
        }
        if (time == 0) {
            return false;
        }
    }
}

std::optional<std::string> tls_host(const std::string& address) {
    if (!address.starts_with("tls://")) {
        return std::nullopt;
    }
    return parse(address).host;
}

int connect_to(const std::string& address, Clock::time_point end) {
    try {
        return connect_any(address, end);
    } catch (const ConnectionError& error) {
        throw ConnectionError("cannot connect to " + config::printable(address, 200) + ": " +
                              error.what());
    }
}

}  // namespace weir::app
