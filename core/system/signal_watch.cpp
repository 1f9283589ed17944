#include "core/system/signal_watch.h"

#include <memory>
#include <new>
#include <string>
#include <utility>

#include <uv.h>

#include "core/run/scheduler.h"
#include "core/run/uv_loop.h"
#include "core/run/wait.h"

namespace weir {

// The watch itself, shared with its events. The memory of the handle lives until libuv has closed
// it.
class SignalState final : public WatchIdentity {
public:
    SignalState(Scheduler& scheduler, int number)
        : scheduler_(scheduler), number_(number), handle_(std::make_unique<uv_signal_t>()) {
        if (const int error = uv_signal_init(&loop_of(scheduler), handle_.get()); error != 0) {
            throw SystemError("watching signal " + std::to_string(number), error);
        }
        handle_->data = this;
    }

    // Throws after the handle is closed, on failure.
    void start(bool daemon) {
        const int error = uv_signal_start(
            handle_.get(),
            [](uv_signal_t* handle, int) { static_cast<SignalState*>(handle->data)->caught(); },
            number_);
        if (error != 0) {
            close();
            throw SystemError("watching signal " + std::to_string(number_), error);
        }
        if (daemon) {
            uv_unref(reinterpret_cast<uv_handle_t*>(handle_.get()));
        }
    }

    void close() noexcept {
        uv_close(reinterpret_cast<uv_handle_t*>(handle_.release()),
                 [](uv_handle_t* closed) { delete reinterpret_cast<uv_signal_t*>(closed); });
    }

    bool take() noexcept { return std::exchange(came_, false); }
    const MatcherOf<SignalEvent>& matcher() const noexcept { return matcher_; }

private:
    MatcherOf<SignalEvent> made() const {
        const WatchIdentity* const identity = this;
        return match<SignalEvent>(number_, identity);
    }

    void caught() noexcept {
        came_ = true;
        try {
            const WatchIdentity* const identity = this;
            scheduler_.emergency_send(
                make_event<SignalEvent>(number_, identity, Ref<WatchIdentity>(this)));
        } catch (const std::bad_alloc&) {
            // The next signal, or the next call of next(), finds it.
        }
    }

    Scheduler& scheduler_;
    const int number_;
    const MatcherOf<SignalEvent> matcher_ = made();
    bool came_ = false;
    std::unique_ptr<uv_signal_t> handle_;  // null: closed
};

SignalWatch::SignalWatch(Scheduler& scheduler, int number, bool daemon)
    : state_(new SignalState(scheduler, number)) {
    state_->start(daemon);
}

SignalWatch::~SignalWatch() {
    state_->close();
}

Task<> SignalWatch::next() {
    while (!state_->take()) {
        co_await state_->matcher();
    }
}

const MatcherOf<SignalEvent>& SignalWatch::matcher() const noexcept {
    return state_->matcher();
}

}  // namespace weir
