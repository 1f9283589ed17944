#pragma once

#include <cerrno>
#include <cstdint>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/// What clients on loopback share.
namespace weir::benchmark {

/// Returns the result of a system call. Throws std::system_error if it failed.
inline int check_call(int result, const char* what) {
    if (result < 0) {
        throw std::system_error(errno, std::generic_category(), what);
    }
    return result;
}

inline int connect_to(int port) {
    const int fd = check_call(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    const int on = 1;
    check_call(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "setsockopt");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check_call(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
    return fd;
}

/// Returns a port on which no server listens.
inline int free_port() {
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

/// Returns how many connections a process can have: 10,000, or 1,000 and so on if that is too many.
/// Raises the limit of open files, also for processes that are started later.
inline long most_connections() {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    long most = 10'000;
    while (most > 1 && static_cast<rlim_t>(most) + 64 > files.rlim_max) {
        most /= 10;
    }
    return most;
}

}  // namespace weir::benchmark
