#include "modules/mail/transfers.h"

#include <chrono>
#include <exception>
#include <new>
#include <stdexcept>
#include <utility>

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

struct Transfers::Transfer : Link<Transfers::Transfer> {
    Transfer(Transfers& transfers, CURL* handle)
        : owner(transfers), easy(handle), done(transfers.scheduler_) {
        owner.transfers_.push_back(*this);
    }
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
// through libcurl, which is written in C. It is not told of a lack of memory: after -1 for its
// timer libcurl 7.88 takes no transfer ever again.
int Transfers::want_socket(CURL*, curl_socket_t socket, int what, void* self, void*) noexcept {
    auto& transfers = *static_cast<Transfers*>(self);
    try {
        what == CURL_POLL_REMOVE ? transfers.forget(socket) : transfers.watch(socket, what);
    } catch (const std::exception&) {
        transfers.end_all();
    }
    return 0;
}

void Transfers::watch(curl_socket_t socket, int what) {
    const auto found = sockets_.find(socket);
    Socket& watched = found != sockets_.end() ? *found->second : add(socket);
    watched.wanted = what;
    watched.arm();
}

Transfers::Socket& Transfers::add(curl_socket_t socket) {
    std::unique_ptr<Socket> made(new Socket{{scheduler_, socket}});
    Socket& added = *sockets_.try_emplace(socket, std::move(made)).first->second;
    const auto ready = [this, socket](const Ref<Event>& event) {
        const bool in = event->as<DescriptorEvent>().readiness == Readiness::readable;
        act(socket, in ? CURL_CSELECT_IN : CURL_CSELECT_OUT);
    };
    try {
        handler_.handle(added.watch.matcher(Readiness::readable), ready);
        handler_.handle(added.watch.matcher(Readiness::writable), ready);
    } catch (...) {
        forget(socket);
        throw;
    }
    return added;
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
    auto& transfers = *static_cast<Transfers*>(self);
    try {
        transfers.set_time(wait);
    } catch (const std::exception&) {
        transfers.end_all();
    }
    return 0;
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

void Transfers::act(curl_socket_t socket, int readiness) {
    try {
        work(socket, readiness);
    } catch (const std::exception&) {
        end_all();
        throw;
    }
}

// Lets libcurl work, and passes on the results of the transfers that have ended.
void Transfers::work(curl_socket_t socket, int readiness) {
    int running = 0;
    ::curl_multi_socket_action(multi_.get(), socket, readiness, &running);
    int left = 0;
    while (const CURLMsg* const message = ::curl_multi_info_read(multi_.get(), &left)) {
        Transfer* transfer = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        if (!transfer->done.done()) {
            transfer->done.set_result(message->data.result);
        }
    }
    if (const auto found = sockets_.find(socket); found != sockets_.end()) {
        found->second->arm();
    }
}

// There is no memory to go on: no transfer waits for what never comes.
void Transfers::end_all() noexcept {
    for (Transfer& transfer : transfers_) {
        try {
            if (!transfer.done.done()) {
                transfer.done.set_result(CURLE_OUT_OF_MEMORY);
            }
        } catch (const std::bad_alloc&) {
            // The deadline of its call ends it.
        }
    }
}

}  // namespace weir::mail
