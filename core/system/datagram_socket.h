#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/net/address.h"
#include "core/net/socket_error.h"
#include "core/run/task.h"
#include "core/system/descriptor.h"

namespace weir {

class Scheduler;

/// Returns an address of datagrams as text: "udp://127.0.0.1:53"; a Unix socket as elsewhere.
std::string datagram_address_text(const SocketAddress& address);

struct Datagram {
    std::string bytes;
    SocketAddress sender;
    bool cut = false;  ///< it was longer than a datagram that is received may be
};

struct DatagramOptions {
    bool broadcast = false;  ///< allows to send to broadcast addresses
    /// Several sockets, also of other processes, may be bound to the address; multicast datagrams
    /// come to each of them.
    bool shared = false;
    std::size_t longest = 65'536;  ///< bytes of a datagram that is received
};

/// A socket for datagrams: UDP, or a Unix socket. Each datagram arrives as it was sent, or not at
/// all. What arrives while no routine receives waits in a buffer of the system, which drops what it
/// has no room for: dropped() counts that.
///
///     DatagramSocket socket(scheduler, SocketAddress::of_number("0.0.0.0", 514).value());
///     for (;;) {
///         const Datagram datagram = co_await socket.receive();
///     }
///
/// resolve() makes socket addresses of names. Belongs to the scheduler's thread; the scheduler must
/// outlive it.
class DatagramSocket {
public:
    /// Binds the socket to an address of this machine; port 0: one that the system chooses. Throws
    /// SocketError; std::logic_error in a simulation.
    DatagramSocket(Scheduler& scheduler, const SocketAddress& address,
                   DatagramOptions options = {});
    /// Makes a socket that exchanges datagrams with one address only.
    static DatagramSocket connected(Scheduler& scheduler, const SocketAddress& peer,
                                    DatagramOptions options = {});
    DatagramSocket(DatagramSocket&&) noexcept = default;
    DatagramSocket& operator=(DatagramSocket&&) noexcept = default;

    /// Returns the socket's own address.
    SocketAddress address() const noexcept { return SocketAddress::local(watch_->descriptor()); }

    /// Waits for the next datagram. Throws SocketError: of a connected socket UV_ECONNREFUSED, when
    /// the peer's machine has said that no socket receives there; the socket can still be used.
    Task<Datagram> receive();
    /// Waits until the system takes the datagram. Throws SocketError: UV_EMSGSIZE if it is too
    /// long.
    Task<> send(std::string bytes, SocketAddress to);
    /// The same, of a connected socket.
    Task<> send(std::string bytes);

    /// Receives what is sent to a multicast group. Throws SocketError.
    void join(const SocketAddress& group);

    /// Returns how many datagrams the system has dropped that arrived before the last one that was
    /// received.
    std::uint64_t dropped() const noexcept { return dropped_; }

private:
    DatagramSocket(Scheduler& scheduler, int family, DatagramOptions options);

    Task<> send_to(std::string bytes, const SocketAddress* to);
    [[noreturn]] static void fail(const std::string& doing, const SocketAddress& address);

    DatagramOptions options_;
    std::unique_ptr<DescriptorWatch> watch_;
    std::string buffer_;
    std::uint64_t dropped_ = 0;
};

}  // namespace weir
