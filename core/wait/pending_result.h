#pragma once

#include <exception>
#include <utility>

#include "core/base/clock.h"
#include "core/wait/signalled_wait.h"

namespace weir {

// What one routine waits for, until a deadline, and other code settles: a value or an exception. A
// base of requests, each of which lives in the frame of its routine.
template <class T>
class PendingResult {
public:
    PendingResult(const PendingResult&) = delete;
    PendingResult& operator=(const PendingResult&) = delete;

    Time deadline() const noexcept { return deadline_; }
    // The wait of the routine, which is ended when this is settled.
    void set_wait(SignalledWait* wait) noexcept { wait_ = wait; }

protected:
    explicit PendingResult(Time deadline) noexcept : deadline_(deadline) {}
    ~PendingResult() = default;

    // Cuts this off from the code that would settle it. end() calls it before it resumes the
    // routine, which may destroy this.
    virtual void leave() noexcept = 0;

    void answer(T value) noexcept {
        value_ = std::move(value);
        end();
    }
    void fail(std::exception_ptr failure) noexcept {
        failure_ = std::move(failure);
        end();
    }
    // Fails it with an error of this class, or for lack of memory for it.
    template <class E, class Text>
    void fail_as(Text text) noexcept {
        try {
            fail(std::make_exception_ptr(E(text())));
        } catch (...) {
            fail(std::current_exception());
        }
    }
    // Returns the value, once, or throws the exception. Requires that it is settled.
    T take() {
        if (failure_) {
            std::rethrow_exception(failure_);
        }
        return std::move(value_);
    }

private:
    void end() noexcept {
        leave();
        if (wait_ != nullptr) {
            wait_->end();
        }
    }

    const Time deadline_;
    T value_{};
    std::exception_ptr failure_;
    SignalledWait* wait_ = nullptr;
};

// The wait for a request of class R, which has a PendingResult, done() and time_out().
template <class R>
class WaitForResult : public SignalledWait {
public:
    bool await_ready() const noexcept { return request_.done(); }

protected:
    explicit WaitForResult(R& request) noexcept
        : SignalledWait(request.deadline()), request_(request) {
        request_.set_wait(this);
    }
    ~WaitForResult() { request_.set_wait(nullptr); }

    // To be called first in await_resume(). Returns the request, which is done.
    R& finish_request() {
        if (!finish()) {
            request_.time_out();
        }
        return request_;
    }
    const R& request() const noexcept { return request_; }

private:
    R& request_;
};

}  // namespace weir
