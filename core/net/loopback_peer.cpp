#include "core/net/loopback_peer.h"

#include <cstdint>
#include <cstring>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace weir {

namespace {

// One end of a TCP connection. An IPv4 address is in its IPv6 form: the two ends of an IPv4
// connection may be sockets of different families, and their addresses are compared.
struct End {
    in6_addr address{};
    in_port_t port = 0;  // in the order of the network

    static End of_ipv4(const void* address, in_port_t port) noexcept {
        End end;
        end.address.s6_addr[10] = end.address.s6_addr[11] = 0xff;
        std::memcpy(&end.address.s6_addr[12], address, sizeof(in_addr));
        end.port = port;
        return end;
    }
    static End of_ipv6(const void* address, in_port_t port) noexcept {
        End end;
        std::memcpy(&end.address, address, sizeof(end.address));
        end.port = port;
        return end;
    }

    bool is_ipv4() const noexcept { return IN6_IS_ADDR_V4MAPPED(&address); }
    bool is_loopback() const noexcept {
        return is_ipv4() ? address.s6_addr[12] == 127 : IN6_IS_ADDR_LOOPBACK(&address);
    }

    friend bool operator==(const End& a, const End& b) noexcept {
        return a.port == b.port && IN6_ARE_ADDR_EQUAL(&a.address, &b.address);
    }
};

std::optional<End> end_at(const SocketAddress& address) noexcept {
    if (address.family() == AF_INET) {
        sockaddr_in ipv4{};
        std::memcpy(&ipv4, address.data(), sizeof(ipv4));
        return End::of_ipv4(&ipv4.sin_addr, ipv4.sin_port);
    }
    if (address.family() == AF_INET6) {
        sockaddr_in6 ipv6{};
        std::memcpy(&ipv6, address.data(), sizeof(ipv6));
        return End::of_ipv6(&ipv6.sin6_addr, ipv6.sin6_port);
    }
    return {};
}

// An address in the kernel's messages: four words, of which an IPv4 address takes the first.
using Words = __be32[4];

void write_words(const End& end, Words& words) noexcept {
    if (end.is_ipv4()) {
        std::memcpy(words, &end.address.s6_addr[12], sizeof(in_addr));
    } else {
        std::memcpy(words, &end.address, sizeof(end.address));
    }
}

End read_words(std::uint8_t family, const Words& words, in_port_t port) noexcept {
    return family == AF_INET ? End::of_ipv4(words, port) : End::of_ipv6(words, port);
}

struct SocketQuestion {
    nlmsghdr header;
    inet_diag_req_v2 body;
};

struct SocketAnswer {
    nlmsghdr header;
    inet_diag_msg body;
    // Attributes follow, which are not read.
};

SocketQuestion ask_for(const End& source, const End& destination) noexcept {
    SocketQuestion question{};
    question.header.nlmsg_len = sizeof(question);
    question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    question.header.nlmsg_flags = NLM_F_REQUEST;
    inet_diag_req_v2& body = question.body;
    body.sdiag_family = source.is_ipv4() ? AF_INET : AF_INET6;
    body.sdiag_protocol = IPPROTO_TCP;
    body.idiag_states = ~0U;
    body.id.idiag_cookie[0] = body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    write_words(source, body.id.idiag_src);
    body.id.idiag_sport = source.port;
    write_words(destination, body.id.idiag_dst);
    body.id.idiag_dport = destination.port;
    return question;
}

// Whether the socket is the one from source to destination, and a process holds it. A socket
// without an inode is one that its process has closed, and the kernel says that root owns it. It
// reads the user before the inode, so an inode proves that the user is right.
bool is_held(const inet_diag_msg& found, const End& source, const End& destination) noexcept {
    const std::uint8_t family = found.idiag_family;
    const bool is_open = found.idiag_state == TCP_ESTABLISHED ||
                         // The peer has ended its output, and still reads.
                         found.idiag_state == TCP_FIN_WAIT1 || found.idiag_state == TCP_FIN_WAIT2;
    return (family == AF_INET || family == AF_INET6) && is_open && found.idiag_inode != 0 &&
           read_words(family, found.id.idiag_src, found.id.idiag_sport) == source &&
           read_words(family, found.id.idiag_dst, found.id.idiag_dport) == destination;
}

class Netlink {
public:
    Netlink() noexcept
        : socket_(
              ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG)) {}
    Netlink(const Netlink&) = delete;
    Netlink& operator=(const Netlink&) = delete;
    ~Netlink() {
        if (socket_ >= 0) {
            ::close(socket_);
        }
    }

    // Returns the kernel's answer; nothing if it is an error. The kernel answers while it takes the
    // question.
    std::optional<SocketAnswer> ask(const SocketQuestion& question) const noexcept {
        sockaddr_nl kernel{};
        kernel.nl_family = AF_NETLINK;
        socklen_t size = sizeof(kernel);
        auto* address = reinterpret_cast<sockaddr*>(&kernel);
        if (::sendto(socket_, &question, sizeof(question), 0, address, size) != sizeof(question)) {
            return {};
        }
        SocketAnswer answer{};
        const ssize_t received = ::recvfrom(socket_, &answer, sizeof(answer), 0, address, &size);
        const bool is_answer = received == sizeof(answer) && kernel.nl_pid == 0 &&
                               answer.header.nlmsg_type == SOCK_DIAG_BY_FAMILY;
        return is_answer ? std::optional(answer) : std::nullopt;
    }

private:
    int socket_;
};

}  // namespace

std::optional<uid_t> loopback_peer_user(const SocketAddress& local,
                                        const SocketAddress& remote) noexcept {
    const std::optional<End> destination = end_at(local);
    const std::optional<End> source = end_at(remote);
    // A socket that is connected to itself has no other end.
    if (!source || !destination || *source == *destination || !source->is_loopback() ||
        !destination->is_loopback() || source->is_ipv4() != destination->is_ipv4()) {
        return {};
    }
    const std::optional<SocketAnswer> answer = Netlink().ask(ask_for(*source, *destination));
    if (!answer || !is_held(answer->body, *source, *destination)) {
        return {};
    }
    return answer->body.idiag_uid;
}

}  // namespace weir
