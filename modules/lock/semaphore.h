#pragma once

#include <cstddef>
#include <string>

#include "core/event/index_value.h"
#include "core/run/scheduler.h"
#include "core/run/task.h"

namespace weir {

// Lets several locks on a key and context be held at a time, from create() to destroy(). It belongs
// to the lock table, not to this object: destroying the object alone changes nothing.
//
// Requires the lock queue: the functions throw NoLockQueue when there is none.
class Semaphore {
public:
    // `priority` is that of the semaphore's own subqueue of the root. Throws std::invalid_argument
    // if the key is an empty text.
    Semaphore(Scheduler& scheduler, IndexValue key, std::size_t size,
              std::string context = "default", int priority = 1000);

    std::size_t size() const noexcept { return size_; }

    // From now on `size` locks may be held; locks that are held already count, and waiters are
    // served first. Throws std::logic_error if key and context have a semaphore already,
    // std::invalid_argument if the size is 0.
    void create();
    // Does create(), or if there is such a semaphore already, resize() to size(): for a module that
    // may find the one of its former version, or of another module. This object may destroy() it
    // then. Throws std::invalid_argument if the size is 0.
    void ensure();
    // May be used while locks are held and waited for. When it is smaller than before, there are
    // no new grants until enough have been given back; when it is larger, waiters take the new
    // slots as soon as the running routine waits. Throws std::invalid_argument if the size is 0 or
    // the semaphore does not exist.
    void resize(std::size_t size);
    // co_await destroy(): from now on as many locks may be held as without it, most often one.
    // What is held stays held. Does nothing if this object has not created it.
    Task<> destroy();

private:
    Scheduler& scheduler_;
    const IndexValue key_;
    const std::string context_;
    std::size_t size_;
    const int priority_;
    bool created_ = false;
};

// co_await destroy_semaphore(...): the same for a semaphore that is known by name only.
Task<> destroy_semaphore(Scheduler& scheduler, IndexValue key, std::string context);

}  // namespace weir
