#include "core/run/uv_poller.h"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>
#include <typeinfo>

namespace weir {
namespace {

std::uint64_t seed() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) ^ device();
}

template <class Handle>
void close_handle(Handle& handle, unsigned& open) noexcept {
    handle.data = &open;
    ++open;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle),
             [](uv_handle_t* closed) { --*static_cast<unsigned*>(closed->data); });
}

// A handle that its owner has not closed would let the loop run for ever: say which it is.
void require_closing(uv_handle_t* handle, void*) noexcept {
    if (uv_is_closing(handle) == 0) {
        std::fprintf(stderr, "weir: UvPoller: its loop still has an open handle: %s\n",
                     uv_handle_type_name(handle->type));
        std::abort();
    }
}

class UvBell final : public Poller::Bell {
public:
    UvBell(uv_loop_t& loop, std::function<void()> answer) : answer_(std::move(answer)) {
        const int error = uv_async_init(&loop, handle_.get(), [](uv_async_t* rung) {
            static_cast<UvBell*>(rung->data)->answer_();
        });
        if (error != 0) {
            throw std::system_error(-error, std::system_category(),
                                    "making a bell for other threads");
        }
        handle_->data = this;
        keep_polling(false);
    }
    ~UvBell() override {
        uv_close(handle(),
                 [](uv_handle_t* closed) { delete reinterpret_cast<uv_async_t*>(closed); });
        [[maybe_unused]] uv_async_t* const freed_when_closed = handle_.release();
    }

    void ring() noexcept override { uv_async_send(handle_.get()); }
    void keep_polling(bool keep) noexcept override { keep ? uv_ref(handle()) : uv_unref(handle()); }

private:
    uv_handle_t* handle() const noexcept { return reinterpret_cast<uv_handle_t*>(handle_.get()); }

    std::function<void()> answer_;
    std::unique_ptr<uv_async_t> handle_ = std::make_unique<uv_async_t>();
};

}  // namespace

struct UvPoller::UvWork {
    uv_work_t request;
    UvPoller& poller;
    Work& work;
};

UvPoller::UvPoller() : loop_(&own_loop_), random_(seed()) {
    if (const int error = uv_loop_init(&own_loop_); error != 0) {
        throw std::system_error(-error, std::system_category(), "making a loop of libuv");
    }
    open();
}

UvPoller::UvPoller(uv_loop_t& loop) : loop_(&loop), random_(seed()) {
    open();
}

UvPoller::~UvPoller() {
    close();
}

// None of these can fail.
void UvPoller::open() {
    uv_timer_init(loop_, &timer_);
    uv_idle_init(loop_, &wake_);
    uv_idle_init(loop_, &output_);
    uv_check_init(loop_, &written_);
    written_.data = this;
    uv_prepare_init(loop_, &prepare_);
    prepare_.data = this;
    uv_prepare_start(&prepare_, [](uv_prepare_t* handle) {
        static_cast<UvPoller*>(handle->data)->before_waiting();
    });
    uv_unref(reinterpret_cast<uv_handle_t*>(&prepare_));
}

void UvPoller::close() noexcept {
    unsigned open = 0;
    close_handle(timer_, open);
    close_handle(wake_, open);
    close_handle(output_, open);
    close_handle(written_, open);
    close_handle(prepare_, open);
    for (const auto& [work, started] : works_) {
        uv_cancel(reinterpret_cast<uv_req_t*>(&started->request));
    }
    while (open != 0 || !works_.empty()) {
        uv_run(loop_, UV_RUN_ONCE);
    }
    if (loop_ == &own_loop_) {
        uv_walk(loop_, require_closing, nullptr);
        uv_run(loop_, UV_RUN_DEFAULT);
        [[maybe_unused]] const int error = uv_loop_close(loop_);
        assert(error == 0);
    }
}

bool UvPoller::woken() const noexcept {
    return uv_is_active(reinterpret_cast<const uv_handle_t*>(&wake_)) != 0;
}

Time UvPoller::note_wait() noexcept {
    note_poll(last_poll().began, now());
    set_busy(last_poll().ended);
    return last_poll().ended;
}

bool UvPoller::may_skip_poll(std::optional<Duration> wait) noexcept {
    const Time time = now();
    note_poll(time, time);
    set_busy(time);
    if (wait == Duration::zero() && !woken() && ++rounds_ < rounds_between_polls &&
        time - looked_at_ < poll_at_least_every) {
        return true;
    }
    rounds_ = 0;
    looked_at_ = time;
    return false;
}

bool UvPoller::poll(std::optional<Duration> wait) {
    if (may_skip_poll(wait)) {
        return true;
    }
    if (!wait && !woken() && uv_loop_alive(loop_) == 0) {
        return false;
    }
    limit_wait(wait);
    waiting_ = wait != Duration::zero();
    uv_run(loop_, UV_RUN_ONCE);
    waiting_ = false;
    lift_limit();
    looked_at_ = note_wait();
    if (looked_at_ - last_poll().began >= idle_after && user() != nullptr &&
        user()->time_to_wait() != Duration::zero()) {
        user()->nothing_happened();
    }
    return true;
}

void UvPoller::limit_wait(std::optional<Duration> wait) noexcept {
    if (wait == Duration::zero()) {
        wake();
        return;
    }
    set_busy(Time{});
    // The loop's clock counts whole milliseconds of ours: rounded up, it is never early.
    constexpr std::uint64_t ms = 1'000'000;
    const Duration limit = wait ? std::min(*wait, idle_after) : idle_after;
    const std::uint64_t due =
        (static_cast<std::uint64_t>((now() + limit).time_since_epoch().count()) + ms - 1) / ms;
    if (uv_is_active(reinterpret_cast<uv_handle_t*>(&timer_)) == 0 || due < due_) {
        due_ = due;
        uv_timer_start(
            &timer_, [](uv_timer_t*) {}, due - std::min(due, uv_now(loop_)), 0);
    }
    // A wait without end lasts only while something else is alive.
    auto* timer = reinterpret_cast<uv_handle_t*>(&timer_);
    wait ? uv_ref(timer) : uv_unref(timer);
}

// Callbacks of libuv's timers run before the loop waits, and may have sent events.
void UvPoller::before_waiting() noexcept {
    if (waiting_ && user() != nullptr) {
        limit_wait(user()->time_to_wait());
    }
}

std::unique_ptr<Poller::Bell> UvPoller::make_bell(std::function<void()> answer) {
    return std::make_unique<UvBell>(*loop_, std::move(answer));
}

void UvPoller::start_work(Work& work) {
    const auto& started = works_[&work] = std::make_unique<UvWork>(UvWork{{}, *this, work});
    started->request.data = started.get();
    // Cannot fail, for there is a function to call.
    uv_queue_work(
        loop_, &started->request,
        [](uv_work_t* request) { static_cast<UvWork*>(request->data)->work.run(); },
        [](uv_work_t* request, int status) {
            const auto* finished = static_cast<UvWork*>(request->data);
            Work& done = finished->work;
            finished->poller.works_.erase(&done);
            done.done(status == UV_ECANCELED);
        });
}

void UvPoller::cancel_work(Work& work) noexcept {
    if (const auto found = works_.find(&work); found != works_.end()) {
        uv_cancel(reinterpret_cast<uv_req_t*>(&found->second->request));
    }
}

void UvPoller::visit_code(const Visit& visit) const {
    for (const auto& [work, started] : works_) {
        visit(&typeid(*work), "work on another thread");
    }
    // Where in a handle its callbacks are depends on its type and on libuv's version: each word of
    // it is taken for an address. libuv does not initialise all of them: whoever makes a handle
    // zeroes it first.
    uv_walk(
        loop_,
        [](uv_handle_t* handle, void* data) {
            const Visit& visit_word = *static_cast<const Visit*>(data);
            const std::string what =
                std::string("a handle of libuv: ") + uv_handle_type_name(handle->type);
            visit_word(handle, what);
            const auto* const bytes = reinterpret_cast<const char*>(handle);
            for (std::size_t at = 0; at + sizeof(void*) <= uv_handle_size(handle->type);
                 at += sizeof(void*)) {
                const void* word = nullptr;
                std::memcpy(&word, bytes + at, sizeof word);
                visit_word(word, what);
            }
        },
        const_cast<Visit*>(&visit));
}

void UvPoller::lift_limit() noexcept {
    uv_timer_stop(&timer_);
    uv_idle_stop(&wake_);
}

void UvPoller::wake() noexcept {
    uv_idle_start(&wake_, [](uv_idle_t*) {});
}

void UvPoller::write_after_poll(Output& output) noexcept {
    if (output.linked()) {
        return;
    }
    if (outputs_.empty()) {
        uv_idle_start(&output_, [](uv_idle_t*) {});
        uv_check_start(&written_, [](uv_check_t* handle) {
            static_cast<UvPoller*>(handle->data)->write_outputs();
        });
    }
    outputs_.push_back(output);
}

void UvPoller::cancel_output(Output& output) noexcept {
    if (!output.linked()) {
        return;
    }
    output.unlink();
    if (outputs_.empty()) {
        uv_idle_stop(&output_);
        uv_check_stop(&written_);
    }
}

// What has output again meanwhile waits for the poll after this one.
void UvPoller::write_outputs() noexcept {
    List<Output, UvPoller> ready;
    ready.take_all(outputs_);
    uv_idle_stop(&output_);
    uv_check_stop(&written_);
    while (!ready.empty()) {
        ready.pop_front().write_now();
    }
}

}  // namespace weir
