#include "modules/mail/transfers.h"

#include <chrono>
#include <exception>
#include <stdexcept>

#include "core/system/descriptor.h"
#include "core/wait/future.h"

namespace weir::mail {

struct Transfers::Socket {
    DescriptorWatch watch;
    int wanted = 0;  // CURL_POLL_IN, CURL_POLL_OUT

    void arm() {
        if ((wanted & CURL_POLL_IN) != 0) {
            watch.arm(Readiness::readable);
        }
        if ((wanted & CURL_POLL_OUT) != 0) {
            watch.arm(Readiness::writable);
        }
    }
};

struct Transfers::Transfer {
    Transfer(Transfers& transfers, CURL* handle)
        : owner(transfers), easy(handle), done(transfers.scheduler_) {}
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    ~Transfer() { ::curl_multi_remove_handle(owner.multi_.get(), easy); }

    Transfers& owner;
    CURL* const easy;
    Future<CURLcode> done;
};

Transfers::Library::Library() {
    if (::curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        throw std::runtime_error("libcurl cannot begin");
    }
}

Transfers::Library::~Library() {
    ::curl_global_cleanup();
}

Transfers::Transfers(Scheduler& scheduler)
    : scheduler_(scheduler), handler_(scheduler), multi_(::curl_multi_init(), &curl_multi_cleanup) {
    if (multi_ == nullptr) {
        throw std::runtime_error("libcurl has no memory");
    }
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &Transfers::want_socket);
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &Transfers::want_time);
    curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
}

Transfers::~Transfers() = default;

Task<CURLcode> Transfers::run(CURL* easy) {
    Transfer transfer(*this, easy);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
    if (::curl_multi_add_handle(multi_.get(), easy) != CURLM_OK) {
        throw std::runtime_error("libcurl does not take a transfer");
    }
    co_return co_await transfer.done;
}

// libcurl calls this when it waits for a socket, and before it closes it. No exception may pass
// through libcurl, which is written in C; -1 ends its transfers.
int Transfers::want_socket(CURL*, curl_socket_t socket, int what, void* self, void*) noexcept {
    auto& transfers = *static_cast<Transfers*>(self);
    try {
        what == CURL_POLL_REMOVE ? transfers.forget(socket) : transfers.watch(socket, what);
        return 0;
    } catch (const std::exception&) {
        return -1;
    }
}

void Transfers::watch(curl_socket_t socket, int what) {
    auto found = sockets_.find(socket);
    if (found == sockets_.end()) {
        found = sockets_.try_emplace(socket, new Socket{{scheduler_, socket}}).first;
        const auto ready = [this, socket](const Ref<Event>& event) {
            const bool in = event->as<DescriptorEvent>().readiness == Readiness::readable;
            act(socket, in ? CURL_CSELECT_IN : CURL_CSELECT_OUT);
        };
        handler_.handle(found->second->watch.matcher(Readiness::readable), ready);
        handler_.handle(found->second->watch.matcher(Readiness::writable), ready);
    }
    found->second->wanted = what;
    found->second->arm();
}

void Transfers::forget(curl_socket_t socket) {
    if (const auto found = sockets_.find(socket); found != sockets_.end()) {
        handler_.stop(found->second->watch.matcher(Readiness::readable));
        handler_.stop(found->second->watch.matcher(Readiness::writable));
        sockets_.erase(found);
    }
}

// libcurl calls this to say when it wants to be called next; -1: never.
int Transfers::want_time(CURLM*, long wait, void* self) noexcept {
    try {
        static_cast<Transfers*>(self)->set_time(wait);
        return 0;
    } catch (const std::exception&) {
        return -1;
    }
}

void Transfers::set_time(long wait) {
    handler_.stop(timer_.matcher());
    timer_ = {};
    if (wait >= 0) {
        timer_ = scheduler_.set_timer(std::chrono::milliseconds(wait));
        handler_.handle(timer_.matcher(),
                        [this](const Ref<Event>&) { act(CURL_SOCKET_TIMEOUT, 0); });
    }
}

// Lets libcurl work, and passes on the results of the transfers that have ended.
void Transfers::act(curl_socket_t socket, int readiness) {
    int running = 0;
    ::curl_multi_socket_action(multi_.get(), socket, readiness, &running);
    int left = 0;
    while (const CURLMsg* const message = ::curl_multi_info_read(multi_.get(), &left)) {
        Transfer* transfer = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        transfer->done.set_result(message->data.result);
    }
    if (const auto found = sockets_.find(socket); found != sockets_.end()) {
        found->second->arm();
    }
}

}  // namespace weir::mail
