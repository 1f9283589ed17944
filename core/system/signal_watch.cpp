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

namespace {

// How soon the event of a signal is sent for which there was no memory.
constexpr std::uint64_t again_after = 10;  // milliseconds

// What libuv needs until it has closed both.
struct Handles {
    uv_signal_t signal{};
    uv_timer_t again{};
    int open = 2;

    template <class Handle>
    void close(Handle& handle) noexcept {
        handle.data = this;
        uv_close(reinterpret_cast<uv_handle_t*>(&handle), [](uv_handle_t* closed) {
            auto* const handles = static_cast<Handles*>(closed->data);
            if (--handles->open == 0) {
                delete handles;
            }
        });
    }
};

}  // namespace

// The watch itself, shared with its events.
class SignalState final : public WatchIdentity {
public:
    SignalState(Scheduler& scheduler, int number)
        : scheduler_(scheduler), number_(number), handles_(std::make_unique<Handles>()) {
        uv_loop_t& loop = loop_of(scheduler);
        if (const int error = uv_signal_init(&loop, &handles_->signal); error != 0) {
            throw SystemError("watching signal " + std::to_string(number), error);
        }
        uv_timer_init(&loop, &handles_->again);
        handles_->signal.data = handles_->again.data = this;
    }

    // Throws after the handles are closed, on failure.
    void start(bool daemon) {
        const int error = uv_signal_start(
            &handles_->signal,
            [](uv_signal_t* handle, int) { static_cast<SignalState*>(handle->data)->caught(); },
            number_);
        if (error != 0) {
            close();
            throw SystemError("watching signal " + std::to_string(number_), error);
        }
        if (daemon) {
            uv_unref(reinterpret_cast<uv_handle_t*>(&handles_->signal));
        }
    }

    void close() noexcept {
        Handles* const handles = handles_.release();
        handles->close(handles->signal);
        handles->close(handles->again);
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
        tell();
    }

    // A routine that waits hears of the signal as soon as there is memory for the event.
    void tell() noexcept {
        try {
            const WatchIdentity* const identity = this;
            scheduler_.emergency_send(
                make_event<SignalEvent>(number_, identity, Ref<WatchIdentity>(this)));
        } catch (const std::bad_alloc&) {
            uv_timer_start(
                &handles_->again,
                [](uv_timer_t* handle) { static_cast<SignalState*>(handle->data)->tell(); },
                again_after, 0);
        }
    }

    Scheduler& scheduler_;
    const int number_;
    const MatcherOf<SignalEvent> matcher_ = made();
    bool came_ = false;
    std::unique_ptr<Handles> handles_;  // null: closed
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
