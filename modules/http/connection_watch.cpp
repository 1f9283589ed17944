#include "modules/http/connection_watch.h"

#include "core/run/scheduler.h"
#include "modules/system/call/call.h"

namespace weir::http {

// The client of a call has ended its connection. An event, so that the call ends in its turn, as it
// does by an answer or by its deadline.
struct ClientGone : Event {
    ConnectionWatch* watch = nullptr;  // null: it has ended meanwhile

    void received() noexcept {
        if (watch != nullptr) {
            watch->call_.give_up(watch->why_);
        }
    }

    static auto declare() { return declare_event<ClientGone>("weir.http.ClientGone"); }
};

ConnectionWatch::ConnectionWatch(Exchange& exchange, weir::detail::Calling& call)
    : exchange_(exchange), call_(call) {
    exchange_.check_connected();
    exchange_.stream().set_observer(this);
}

ConnectionWatch::~ConnectionWatch() {
    end();
}

void ConnectionWatch::end() noexcept {
    exchange_.stream().set_observer(nullptr);
    if (gone_ != nullptr) {
        gone_->watch = nullptr;
        gone_.reset();
    }
}

// Called while libuv reads: the call may not end here.
void ConnectionWatch::signalled(SocketEvent::Type) noexcept {
    if (why_ != nullptr) {
        return;
    }
    try {
        exchange_.check_connected();
    } catch (...) {
        why_ = std::current_exception();
    }
    if (why_ == nullptr) {
        return;
    }
    try {
        gone_ = make_event<ClientGone>();
        gone_->watch = this;
        exchange_.scheduler().emergency_send(gone_);
    } catch (...) {  // the call ends by itself; what it returns finds no client
        exchange_.scheduler().log_exception("sending the event that a client has gone");
    }
}

}  // namespace weir::http
