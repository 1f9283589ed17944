#include "core/run/mailbox.h"

#include <utility>

#include "core/run/scheduler.h"

namespace weir {

Mailbox::Mailbox(Scheduler& scheduler)
    : scheduler_(scheduler), bell_(scheduler.poller().make_bell([this] { answer(); })) {}

bool Mailbox::post(std::function<void()> function) {
    const std::lock_guard lock(mutex_);
    if (bell_ == nullptr) {
        return false;
    }
    posts_.push_back(std::move(function));
    if (posts_.size() == 1) {
        bell_->ring();
    }
    return true;
}

void Mailbox::keep_open() {
    const std::lock_guard lock(mutex_);
    if (++keepers_ == 1 && bell_ != nullptr) {
        bell_->keep_polling(true);
    }
}

void Mailbox::release() noexcept {
    const std::lock_guard lock(mutex_);
    if (--keepers_ == 0 && bell_ != nullptr) {
        bell_->ring();  // what keeps polling is the business of the scheduler's thread
    }
}

void Mailbox::for_each(const std::function<void(const std::function<void()>&)>& visit) {
    const std::lock_guard lock(mutex_);
    for (const auto& post : posts_) {
        visit(post);
    }
}

void Mailbox::answer() {
    std::vector<std::function<void()>> posts;
    {
        const std::lock_guard lock(mutex_);
        posts.swap(posts_);
        bell_->keep_polling(keepers_ != 0);
    }
    if (posts.empty()) {
        return;
    }
    scheduler_.call_in_own_context(
        [&scheduler = scheduler_, posts = std::move(posts)](const Scheduler::Processor&) {
            for (const auto& function : posts) {
                try {
                    function();
                } catch (...) {
                    scheduler.log_exception("a posted function ended");
                }
            }
        });
}

void Mailbox::close() noexcept {
    std::vector<std::function<void()>> posts;
    std::unique_ptr<Poller::Bell> bell;
    {
        const std::lock_guard lock(mutex_);
        posts.swap(posts_);
        bell.swap(bell_);
    }
    // They go without the lock: a function that is dropped may hold a Poster.
}

}  // namespace weir
