// W6: the baseline. An echo server of bare system calls.

#include <cstdio>
#include <vector>

#include <sys/epoll.h>

#include "tests/support/loopback.h"

namespace weir::benchmark {

namespace {

int listen_on_loopback() {
    const int fd =
        check_call(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    check_call(bind(fd, reinterpret_cast<sockaddr*>(&address), size), "bind");
    check_call(listen(fd, 2048), "listen");
    check_call(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    std::printf("listening at %d\n", int{ntohs(address.sin_port)});
    std::fflush(stdout);
    return fd;
}

void watch(int poll, int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    check_call(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

void accept_all(int poll, int listener) {
    for (int fd; (fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(poll, fd);
    }
}

void echo(int fd) {
    char bytes[16 * 1024];
    const ssize_t got = read(fd, bytes, sizeof bytes);
    if (got <= 0 || write(fd, bytes, static_cast<std::size_t>(got)) != got) {
        close(fd);
    }
}

[[noreturn]] void serve() {
    const int poll = check_call(epoll_create1(EPOLL_CLOEXEC), "epoll");
    const int listener = listen_on_loopback();
    watch(poll, listener);
    std::vector<epoll_event> events(1024);
    for (;;) {
        const int count = epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; ++i) {
            const int fd = events[static_cast<std::size_t>(i)].data.fd;
            if (fd == listener) {
                accept_all(poll, listener);
            } else {
                echo(fd);
            }
        }
    }
}

}  // namespace

}  // namespace weir::benchmark

int main() {
    weir::benchmark::serve();
}
