#include "core/net/resolve.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <netdb.h>

#include "core/net/socket_error.h"
#include "core/run/wait.h"
#include "core/stream/socket_events.h"

namespace weir {
namespace {

// One look-up of a name. If its owner leaves before libuv has finished, it destroys itself then.
class LookUp final : public Source {
public:
    struct Leave {
        void operator()(LookUp* look_up) const noexcept { look_up->leave(); }
    };

    explicit LookUp(Scheduler& scheduler) noexcept : Source(scheduler) { request_.data = this; }

    void start(const Address& address, ResolveFor purpose) {
        addrinfo hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_socktype = SOCK_STREAM;
        hints.ai_protocol = IPPROTO_TCP;
        // Connecting, addresses of a family that this machine does not use are only in the way.
        hints.ai_flags =
            AI_NUMERICSERV | (purpose == ResolveFor::connecting ? AI_ADDRCONFIG : AI_PASSIVE);
        error_ = uv_getaddrinfo(&loop_of(scheduler()), &request_, on_done, address.host.c_str(),
                                std::to_string(address.port).c_str(), &hints);
        busy_ = error_ == 0;
    }

    bool busy() const noexcept { return busy_; }
    int error() const noexcept { return error_; }
    std::vector<SocketAddress> take_result() noexcept { return std::move(result_); }

private:
    static void on_done(uv_getaddrinfo_t* request, int status, addrinfo* found) {
        LookUp& look_up = *static_cast<LookUp*>(request->data);
        look_up.busy_ = false;
        if (look_up.left_) {
            uv_freeaddrinfo(found);
            delete &look_up;
            return;
        }
        look_up.error_ = status;
        for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
            look_up.result_.emplace_back(info->ai_addr, info->ai_addrlen);
        }
        uv_freeaddrinfo(found);
        look_up.signal(SocketEvent::Type::changed);
    }

    void leave() noexcept {
        if (!busy_) {
            delete this;
            return;
        }
        left_ = true;
        uv_cancel(reinterpret_cast<uv_req_t*>(&request_));
    }

    uv_getaddrinfo_t request_;
    std::vector<SocketAddress> result_;
    int error_ = 0;
    bool busy_ = false;
    bool left_ = false;
};

// The hosts that mean this machine, in numbers; none: the host is another one.
std::vector<std::string> own_hosts(const std::string& host, ResolveFor purpose) {
    if (host.empty() && purpose == ResolveFor::listening) {
        return {"0.0.0.0", "::"};
    }
    if (host.empty() || host == "localhost") {
        return {"127.0.0.1", "::1"};
    }
    return {};
}

void remove_duplicates(std::vector<SocketAddress>& addresses) {
    std::vector<SocketAddress> unique;
    for (const SocketAddress& address : addresses) {
        if (std::ranges::find(unique, address) == unique.end()) {
            unique.push_back(address);
        }
    }
    addresses = std::move(unique);
}

}  // namespace

Task<std::vector<SocketAddress>> resolve(Scheduler& scheduler, Address address,
                                         ResolveFor purpose) {
    std::vector<SocketAddress> found;
    if (address.kind == Address::Kind::unix_socket) {
        found.push_back(SocketAddress::of_unix(address.path));
        co_return found;
    }
    for (const std::string& host : own_hosts(address.host, purpose)) {
        found.push_back(SocketAddress::of_number(host, address.port).value());
    }
    if (const auto number = SocketAddress::of_number(address.host, address.port)) {
        found.push_back(*number);
    }
    if (!found.empty()) {
        co_return found;
    }
    const std::unique_ptr<LookUp, LookUp::Leave> look_up(new LookUp(scheduler));
    const MatcherOf<SocketEvent> changed = look_up->matcher(SocketEvent::Type::changed);
    look_up->start(address, purpose);
    while (look_up->busy()) {
        look_up->want(SocketEvent::Type::changed);
        co_await changed;
    }
    found = look_up->take_result();
    if (look_up->error() != 0 || found.empty()) {
        throw SocketError("looking up " + address.text(),
                          look_up->error() != 0 ? look_up->error() : UV_EAI_NODATA);
    }
    if (purpose == ResolveFor::listening) {
        std::ranges::stable_partition(
            found, [](const SocketAddress& one) { return one.family() == AF_INET; });
    }
    remove_duplicates(found);
    co_return found;
}

}  // namespace weir
