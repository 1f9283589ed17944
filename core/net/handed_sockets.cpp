#include "core/net/handed_sockets.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/net/socket_error.h"

namespace weir {
namespace {

// No supervisor hands over more; a larger number is a mistake.
constexpr int most_handed = 4096;

// Returns -1 if the text is no number.
int handed_number(const char* text) noexcept {
    const std::string_view digits = text == nullptr ? "" : text;
    int number = -1;
    const char* const end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, number);
    return error == std::errc() && rest == end ? number : -1;
}

// Takes the first of the names, which colons separate.
std::string take_name(std::string_view& names) {
    const std::size_t end = std::min(names.find(':'), names.size());
    const std::string_view name = names.substr(0, end);
    names.remove_prefix(std::min(end + 1, names.size()));
    return std::string(name.empty() ? "unknown" : name);  // as systemd names it
}

int socket_option(int socket, int name) noexcept {
    int value = 0;
    socklen_t size = sizeof(value);
    return ::getsockopt(socket, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

}  // namespace

const HandedSockets& HandedSockets::of_process() {
    static const HandedSockets sockets(std::getenv("LISTEN_PID"), std::getenv("LISTEN_FDS"),
                                       std::getenv("LISTEN_FDNAMES"));
    return sockets;
}

HandedSockets::HandedSockets(const char* process, const char* count, const char* names, int first) {
    if (handed_number(process) != ::getpid()) {
        return;
    }
    std::string_view rest = names == nullptr ? "" : names;
    const int handed = std::min(handed_number(count), most_handed);
    for (int i = 0; i < handed; ++i) {
        HandedSocket& socket = sockets_.emplace_back();
        socket.name = take_name(rest);
        socket.descriptor = first + i;
        socket.address = SocketAddress::local(socket.descriptor);
        ::fcntl(socket.descriptor, F_SETFD, FD_CLOEXEC);
    }
}

std::vector<HandedSocket> HandedSockets::named(const std::string& name) const {
    const std::string operation = "listening on systemd:" + name;
    std::vector<HandedSocket> found;
    std::string others;
    for (const HandedSocket& socket : sockets_) {
        if (socket.name != name) {
            others += (others.empty() ? ", but '" : "', '") + socket.name;
            continue;
        }
        if (socket_option(socket.descriptor, SO_TYPE) != SOCK_STREAM ||
            socket_option(socket.descriptor, SO_ACCEPTCONN) != 1) {
            throw SocketError(operation, UV_EINVAL,
                              "descriptor " + std::to_string(socket.descriptor) +
                                  " is no socket that listens for streams (ListenStream= without "
                                  "Accept=yes)");
        }
        found.push_back(socket);
    }
    if (found.empty()) {
        throw SocketError(operation, UV_ENOENT,
                          "the supervisor has handed over no socket of that name" +
                              (others.empty() ? others : others + "'"));
    }
    return found;
}

const HandedSocket* HandedSockets::at(const SocketAddress& address) const noexcept {
    const auto found = std::ranges::find(sockets_, address, &HandedSocket::address);
    return found == sockets_.end() ? nullptr : &*found;
}

}  // namespace weir
