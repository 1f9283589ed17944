#include "core/program/loop_guest.h"

#include <optional>
#include <utility>

#include "core/run/scheduler.h"
#include "core/run/uv_poller.h"

namespace weir {

struct LoopGuest::Handles {
    uv_prepare_t before{};  // called before the loop waits; keeps the loop alive
    uv_check_t after{};     // called after it has waited
    LoopGuest* guest = nullptr;
    unsigned open = 2;

    uv_handle_t* before_handle() noexcept { return reinterpret_cast<uv_handle_t*>(&before); }
    uv_handle_t* after_handle() noexcept { return reinterpret_cast<uv_handle_t*>(&after); }

    static void closed(uv_handle_t* handle) noexcept {
        auto* handles = static_cast<Handles*>(handle->data);
        if (--handles->open == 0) {
            delete handles;
        }
    }
};

LoopGuest::LoopGuest(UvPoller& poller, Scheduler& scheduler, std::function<void()> ended)
    : poller_(poller), scheduler_(scheduler), ended_(std::move(ended)), handles_(new Handles) {
    handles_->guest = this;
    handles_->before.data = handles_->after.data = handles_;
    uv_prepare_init(&poller.loop(), &handles_->before);
    uv_check_init(&poller.loop(), &handles_->after);
    uv_prepare_start(&handles_->before, [](uv_prepare_t* handle) {
        static_cast<Handles*>(handle->data)->guest->turn(false);
    });
    uv_check_start(&handles_->after, [](uv_check_t* handle) {
        static_cast<Handles*>(handle->data)->guest->turn(true);
    });
    // One of the two handles suffices to keep the loop alive.
    uv_unref(handles_->after_handle());
    poller_.wake();
}

LoopGuest::~LoopGuest() {
    end();
}

// Nothing must be left to do before the loop waits. What a wait brought is processed at once after
// it, because an owner that runs the loop only once would leave it undone.
void LoopGuest::turn(bool polled) {
    poller_.lift_limit();
    const Time now = poller_.note_wait();
    if (!begun_) {
        begun_ = true;
        last_round_ = now;
        scheduler_.begin();
    }
    std::optional<Duration> wait = scheduler_.time_to_wait();
    if (wait != Duration::zero() && now - last_round_ >= UvPoller::idle_after) {
        scheduler_.nothing_happened();
        wait = Duration::zero();
    }
    bool may_go_on = wait.has_value() || can_happen();
    while (wait == Duration::zero() || !may_go_on) {
        scheduler_.after_poll(std::exchange(polled, false));
        if (!scheduler_.round(may_go_on)) {
            end();
            if (const auto ended = std::move(ended_)) {
                ended();
            }
            return;
        }
        wait = scheduler_.time_to_wait();
        may_go_on = wait.has_value() || can_happen();
        const bool skip = poller_.may_skip_poll(wait);
        last_round_ = poller_.last_poll().began;
        if (may_go_on && !skip) {
            break;
        }
    }
    poller_.limit_wait(wait);
}

// Returns whether any other handle in the loop is active.
bool LoopGuest::can_happen() const noexcept {
    // Its own handle must not count as something that can happen.
    uv_unref(handles_->before_handle());
    const bool alive = uv_loop_alive(&poller_.loop()) != 0;
    uv_ref(handles_->before_handle());
    return alive;
}

void LoopGuest::end() noexcept {
    Handles* handles = std::exchange(handles_, nullptr);
    if (handles == nullptr) {
        return;
    }
    uv_close(handles->before_handle(), Handles::closed);
    uv_close(handles->after_handle(), Handles::closed);
    scheduler_.end();
    poller_.lift_limit();
}

}  // namespace weir
