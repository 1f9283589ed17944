#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/run/poller.h"

namespace weir {

/// The functions that other threads have posted to a scheduler and that have not been called yet.
/// The scheduler's side of Poster. Any thread may call all functions that do not say otherwise.
class Mailbox {
public:
    using Posts = std::vector<std::function<void()>>;

    /// `deliver` takes what was posted, on the scheduler's thread, in a poll. Requires the
    /// scheduler's thread.
    Mailbox(Poller& poller, std::function<void(Posts posts)> deliver);
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    /// Returns false if the mailbox is closed; the function is then destroyed, not called.
    bool post(std::function<void()> function);
    /// Until release() has been called as often, the mailbox counts as something that can happen.
    /// Requires the scheduler's thread.
    void keep_open();
    void release() noexcept;
    /// Calls `visit`, which must not post, with each function that was posted and not called.
    void for_each(const std::function<void(const std::function<void()>&)>& visit);
    /// Drops the functions that have not been called. Requires the scheduler's thread; called when
    /// the scheduler is destroyed.
    void close() noexcept;

private:
    void answer();

    const std::function<void(Posts)> deliver_;  // called on the scheduler's thread only
    std::mutex mutex_;                          // for all below
    Posts posts_;
    std::size_t keepers_ = 0;
    std::unique_ptr<Poller::Bell> bell_;  // null: closed
};

}  // namespace weir
