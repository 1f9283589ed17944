#include "core/run/mailbox.h"

#include <utility>

namespace weir {

Mailbox::Mailbox(Poller& poller, std::function<void(Posts)> deliver)
    : deliver_(std::move(deliver)), bell_(poller.make_bell([this] { answer(); })) {}

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
        bell_->ring();  // keep_polling() requires the scheduler's thread: answer() calls it
    }
}

void Mailbox::for_each(const std::function<void(const std::function<void()>&)>& visit) {
    const std::lock_guard lock(mutex_);
    for (const auto& post : posts_) {
        visit(post);
    }
}

void Mailbox::answer() {
    Posts posts;
    {
        const std::lock_guard lock(mutex_);
        posts.swap(posts_);
        bell_->keep_polling(keepers_ != 0);
    }
    if (!posts.empty()) {
        deliver_(std::move(posts));
    }
}

void Mailbox::close() noexcept {
    Posts posts;
    std::unique_ptr<Poller::Bell> bell;
    {
        const std::lock_guard lock(mutex_);
        posts.swap(posts_);
        bell.swap(bell_);
    }
    // Destroyed without the lock: a function that is dropped may hold a Poster.
}

}  // namespace weir
