#include "core/net/resolve.h"

#include <memory>

#include <netdb.h>

#include "core/net/socket_error.h"
#include "core/net/socket_events.h"
#include "core/run/wait.h"

namespace weir {
namespace {

// One look-up. Its owner may leave before libuv is done with it.
class LookUp final : public Source {
public:
    struct Leave {
        void operator()(LookUp* look_up) const noexcept { look_up->leave(); }
    };

    explicit LookUp(Scheduler& scheduler) noexcept : Source(scheduler) { request_.data = this; }

    void start(const Address& address, bool to_listen) {
        addrinfo hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_socktype = SOCK_STREAM;
        hints.ai_protocol = IPPROTO_TCP;
        hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV | (to_listen ? AI_PASSIVE : 0);
        error_ = uv_getaddrinfo(&loop_of(scheduler()), &request_, on_done,
                                address.host.empty() ? nullptr : address.host.c_str(),
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

}  // namespace

Task<std::vector<SocketAddress>> resolve(Scheduler& scheduler, Address address, bool to_listen) {
    std::vector<SocketAddress> found;
    if (address.kind == Address::Kind::unix_socket) {
        found.push_back(SocketAddress::of_unix(address.path));
        co_return found;
    }
    if (const auto number = SocketAddress::of_number(address.host, address.port)) {
        found.push_back(*number);
        co_return found;
    }
    const std::unique_ptr<LookUp, LookUp::Leave> look_up(new LookUp(scheduler));
    const MatcherOf<SocketEvent> changed = look_up->matcher(SocketEvent::Type::changed);
    look_up->start(address, to_listen);
    while (look_up->busy()) {
        look_up->want(SocketEvent::Type::changed);
        co_await changed;
    }
    found = look_up->take_result();
    if (look_up->error() != 0 || found.empty()) {
        throw SocketError("looking up " + address.text(), found.empty() && look_up->error() == 0
                                                              ? UV_EAI_NODATA
                                                              : look_up->error());
    }
    co_return found;
}

}  // namespace weir
