#pragma once

#include <vector>

#include <weir/core.h>

// `co_await next` waits for `count` events, at least one, and returns them all. It resumes the
// routine once, however many events there are.
class NextEvents final : public weir::Wait {
public:
    NextEvents(weir::Matcher matcher, std::size_t count) noexcept
        : matcher_(std::move(matcher)), count_(count) {}

    std::vector<weir::Ref<weir::Event>> await_resume() {
        check_interrupted();
        return std::move(events_);
    }

    std::span<const weir::Matcher> matchers() const noexcept override { return {&matcher_, 1}; }
    Then matched(const weir::Ref<weir::Event>& event, weir::Subscription&) override {
        event->set_ignorable();  // processed: no longer blocks its queue
        events_.push_back(event);
        return events_.size() < count_ ? Then::wait_on : Then::resume;
    }
    std::string describe() const override {
        return std::to_string(count_ - events_.size()) + " more of " + matcher_.describe();
    }

private:
    const weir::Matcher matcher_;
    const std::size_t count_;
    std::vector<weir::Ref<weir::Event>> events_;
};
