#include "core/system/descriptor.h"

#include <cerrno>
#include <memory>
#include <new>
#include <utility>

#include <fcntl.h>
#include <uv.h>

#include "core/run/routine.h"
#include "core/run/scheduler.h"
#include "core/run/uv_loop.h"

namespace weir {

// The watch itself. Its events and waits share it with the DescriptorWatch; only that, or the wait
// that made it, closes it. The memory of the handle lives on until libuv has closed it.
class DescriptorState final : public WatchIdentity {
public:
    DescriptorState(Scheduler& scheduler, int number, FileDescriptor watched)
        : scheduler_(scheduler),
          number_(number),
          watched_(std::move(watched)),
          handle_(std::make_unique<uv_poll_t>()) {
        // uv_poll_init makes the file non-blocking, for all who have it open.
        const int flags = fcntl(watched_.number(), F_GETFL);
        if (const int error = uv_poll_init(&loop_of(scheduler), handle_.get(), watched_.number());
            error != 0) {
            throw SystemError("watching descriptor " + std::to_string(number), error);
        }
        handle_->data = this;
        if (flags >= 0 && (flags & O_NONBLOCK) == 0) {
            fcntl(watched_.number(), F_SETFL, flags);
        }
    }

    int number() const noexcept { return number_; }
    bool gone() const noexcept { return handle_ == nullptr; }

    const MatcherOf<DescriptorEvent>& matcher(Readiness readiness) const noexcept {
        return readiness == Readiness::readable ? readable_ : writable_;
    }

    void arm(Readiness readiness) {
        if (gone()) {
            throw WatchGoneException();
        }
        Ref<DescriptorEvent>& event = event_of(readiness);
        if (event == nullptr) {
            // Now, so that the watch needs no memory to send it.
            const DescriptorState* const identity = this;
            event = make_event<DescriptorEvent>(number_, readiness, identity);
            update();
        }
    }

    // Resumes the waiters, which see that the watch is gone.
    void tell_waiters() noexcept {
        try {
            send(UV_READABLE | UV_WRITABLE);
        } catch (const std::bad_alloc&) {
            // The queue has no memory. The waiters wait until their routines are closed: nothing
            // else can be done.
        }
    }

    void close() noexcept {
        uv_close(reinterpret_cast<uv_handle_t*>(handle_.release()),
                 [](uv_handle_t* closed) { delete reinterpret_cast<uv_poll_t*>(closed); });
        watched_.close();  // libuv looks no more
        readable_event_.reset();
        writable_event_.reset();
    }

private:
    Ref<DescriptorEvent>& event_of(Readiness readiness) noexcept {
        return readiness == Readiness::readable ? readable_event_ : writable_event_;
    }
    static int bit(Readiness readiness) noexcept {
        return readiness == Readiness::readable ? UV_READABLE : UV_WRITABLE;
    }

    MatcherOf<DescriptorEvent> made(Readiness readiness) const {
        const WatchIdentity* const identity = this;
        return match<DescriptorEvent>(number_, readiness, identity);
    }

    void update() noexcept {
        const int armed = (readable_event_ != nullptr ? UV_READABLE : 0) |
                          (writable_event_ != nullptr ? UV_WRITABLE : 0);
        if (armed == 0) {
            uv_poll_stop(handle_.get());
            return;
        }
        uv_poll_start(handle_.get(), armed, [](uv_poll_t* handle, int status, int events) {
            // An error is fetched by reading or writing.
            static_cast<DescriptorState*>(handle->data)
                ->ready(status < 0 ? UV_READABLE | UV_WRITABLE : events);
        });
    }

    void ready(int events) noexcept {
        try {
            send(events);
        } catch (const std::bad_alloc&) {
            // The queue has no memory. Armed still: the next poll reports it again.
        }
        update();
    }

    void send(int events) {
        for (const Readiness readiness : {Readiness::readable, Readiness::writable}) {
            Ref<DescriptorEvent>& event = event_of(readiness);
            if (event != nullptr && (events & bit(readiness)) != 0) {
                // From here on: an event that it keeps must not keep the watch.
                event->identity = Ref<WatchIdentity>(this);
                scheduler_.emergency_send(event);
                event.reset();
            }
        }
    }

    Scheduler& scheduler_;
    const int number_;
    const MatcherOf<DescriptorEvent> readable_ = made(Readiness::readable);
    const MatcherOf<DescriptorEvent> writable_ = made(Readiness::writable);
    FileDescriptor watched_;
    Ref<DescriptorEvent> readable_event_;  // to be sent; null: not armed
    Ref<DescriptorEvent> writable_event_;
    std::unique_ptr<uv_poll_t> handle_;  // null: closed
};

namespace {

FileDescriptor duplicate_of(int descriptor) {
    FileDescriptor duplicate(fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
    if (!duplicate) {
        throw SystemError("watching descriptor " + std::to_string(descriptor), -errno);
    }
    return duplicate;
}

}  // namespace

// --- DescriptorWait

DescriptorWait::DescriptorWait(Ref<DescriptorState> state, Readiness readiness) noexcept
    : descriptor_(state->number()), readiness_(readiness), own_(false), state_(std::move(state)) {}

DescriptorWait::DescriptorWait(int descriptor, Readiness readiness) noexcept
    : descriptor_(descriptor), readiness_(readiness), own_(true) {}

DescriptorWait::~DescriptorWait() {
    if (own_ && state_ != nullptr) {
        state_->close();
    }
}

void DescriptorWait::begin(Routine& routine) {
    if (own_) {
        state_ =
            Ref(new DescriptorState(routine.scheduler(), descriptor_, duplicate_of(descriptor_)));
    }
    ready_ = state_->matcher(readiness_);
    state_->arm(readiness_);
}

void DescriptorWait::await_resume() {
    check_interrupted();
    if (state_->gone()) {
        throw WatchGoneException();
    }
}

std::string DescriptorWait::describe() const {
    return "descriptor " + std::to_string(descriptor_) +
           (readiness_ == Readiness::readable ? " to be readable" : " to be writable");
}

// --- DescriptorWatch

DescriptorWatch::DescriptorWatch(Scheduler& scheduler, int descriptor)
    : state_(new DescriptorState(scheduler, descriptor, duplicate_of(descriptor))) {}

DescriptorWatch::DescriptorWatch(Scheduler& scheduler, FileDescriptor descriptor) {
    const int number = descriptor.number();
    state_ = Ref(new DescriptorState(scheduler, number, std::move(descriptor)));
}

DescriptorWatch::~DescriptorWatch() {
    state_->tell_waiters();
    state_->close();
}

DescriptorWait DescriptorWatch::readable() const noexcept {
    return {state_, Readiness::readable};
}

DescriptorWait DescriptorWatch::writable() const noexcept {
    return {state_, Readiness::writable};
}

void DescriptorWatch::arm(Readiness readiness) {
    state_->arm(readiness);
}

const MatcherOf<DescriptorEvent>& DescriptorWatch::matcher(Readiness readiness) const noexcept {
    return state_->matcher(readiness);
}

int DescriptorWatch::descriptor() const noexcept {
    return state_->number();
}

}  // namespace weir
