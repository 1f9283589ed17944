#include "core/system/datagram_socket.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace weir {
namespace {

void enable(int socket, int level, int name, int value) noexcept {
    ::setsockopt(socket, level, name, &value, sizeof value);
}

}  // namespace

std::string datagram_address_text(const SocketAddress& address) {
    const std::string text = address.text();
    return text.starts_with("tcp") ? "udp" + text.substr(3) : text;
}

DatagramSocket::DatagramSocket(Scheduler& scheduler, int family, DatagramOptions options)
    : options_(options) {
    FileDescriptor socket(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) {
        throw SocketError("making a socket for datagrams", -errno);
    }
    enable(socket.number(), SOL_SOCKET, SO_RXQ_OVFL, 1);
    if (options.broadcast) {
        enable(socket.number(), SOL_SOCKET, SO_BROADCAST, 1);
    }
    if (options.shared) {
        enable(socket.number(), SOL_SOCKET, SO_REUSEADDR, 1);
    }
    watch_ = std::make_unique<DescriptorWatch>(scheduler, std::move(socket));
}

DatagramSocket::DatagramSocket(Scheduler& scheduler, const SocketAddress& address,
                               DatagramOptions options)
    : DatagramSocket(scheduler, address.family(), options) {
    if (::bind(watch_->descriptor(), address.data(), address.size()) != 0) {
        fail("binding to ", address);
    }
}

DatagramSocket DatagramSocket::connected(Scheduler& scheduler, const SocketAddress& peer,
                                         DatagramOptions options) {
    DatagramSocket socket(scheduler, peer.family(), options);
    if (::connect(socket.watch_->descriptor(), peer.data(), peer.size()) != 0) {
        fail("connecting to ", peer);
    }
    return socket;
}

void DatagramSocket::fail(const std::string& doing, const SocketAddress& address) {
    const int error = errno;
    throw SocketError(doing + datagram_address_text(address), -error);
}

Task<Datagram> DatagramSocket::receive() {
    buffer_.resize(options_.longest);
    for (;;) {
        sockaddr_storage sender{};
        iovec into{buffer_.data(), buffer_.size()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint32_t))> control{};
        msghdr message{};
        message.msg_name = &sender;
        message.msg_namelen = sizeof sender;
        message.msg_iov = &into;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const ssize_t count = ::recvmsg(watch_->descriptor(), &message, 0);
        if (count >= 0) {
            const cmsghdr* const header = CMSG_FIRSTHDR(&message);
            if (header != nullptr && header->cmsg_type == SO_RXQ_OVFL) {
                std::uint32_t dropped = 0;  // in all, of 32 bits
                std::memcpy(&dropped, CMSG_DATA(header), sizeof dropped);
                dropped_ += dropped - static_cast<std::uint32_t>(dropped_);
            }
            Datagram datagram;
            datagram.bytes.assign(buffer_.data(), static_cast<std::size_t>(count));
            datagram.sender =
                SocketAddress(reinterpret_cast<const sockaddr*>(&sender), message.msg_namelen);
            datagram.cut = (message.msg_flags & MSG_TRUNC) != 0;
            co_return datagram;
        }
        if (errno == EAGAIN) {
            co_await watch_->readable();
        } else if (errno != EINTR) {
            fail("receiving at ", address());
        }
    }
}

Task<> DatagramSocket::send(std::string bytes, SocketAddress to) {
    co_await send_to(std::move(bytes), &to);
}

Task<> DatagramSocket::send(std::string bytes) {
    return send_to(std::move(bytes), nullptr);
}

Task<> DatagramSocket::send_to(std::string bytes, const SocketAddress* to) {
    const sockaddr* const address = to != nullptr ? to->data() : nullptr;
    const socklen_t size = to != nullptr ? to->size() : 0;
    while (::sendto(watch_->descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL, address, size) <
           0) {
        if (errno == EAGAIN) {
            co_await watch_->writable();
        } else if (errno != EINTR) {
            fail("sending to ", to != nullptr ? *to : SocketAddress::remote(watch_->descriptor()));
        }
    }
}

void DatagramSocket::join(const SocketAddress& group) {
    group_req request{};
    std::memcpy(&request.gr_group, group.data(), group.size());
    const int level = group.family() == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
    if (::setsockopt(watch_->descriptor(), level, MCAST_JOIN_GROUP, &request, sizeof request) !=
        0) {
        fail("joining ", group);
    }
}

}  // namespace weir
