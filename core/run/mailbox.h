#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/run/poller.h"

namespace weir {

class Scheduler;

// What other threads have posted to a scheduler, until it is called. The scheduler's side of
// Poster; all functions may be called on any thread unless they say otherwise.
class Mailbox {
public:
    // On the scheduler's thread.
    explicit Mailbox(Scheduler& scheduler);
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    // False if the mailbox is closed.
    bool post(std::function<void()> function);
    // While more keep it open than have released it, it counts as something that can happen.
    // On the scheduler's thread.
    void keep_open();
    void release() noexcept;
    // Calls the function, which must not post, with each function that was posted and not called.
    void for_each(const std::function<void(const std::function<void()>&)>& visit);
    // Drops what has not been called. On the scheduler's thread, when the scheduler goes.
    void close() noexcept;

private:
    void answer();

    Scheduler& scheduler_;  // only for answer()
    std::mutex mutex_;      // for all below
    std::vector<std::function<void()>> posts_;
    std::size_t keepers_ = 0;
    std::unique_ptr<Poller::Bell> bell_;  // null: closed
};

}  // namespace weir
