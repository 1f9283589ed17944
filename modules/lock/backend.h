#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "core/event/index_value.h"
#include "core/run/task.h"
#include "core/simulation/boot_clock.h"

namespace weir {

class LockRequest;
struct LockEvent;

// A slot of a key among all processes that share the locks of a backend: asked for by a waiter,
// then kept by the holder. Its destructor gives it up, or back.
class RemoteSlot {
public:
    RemoteSlot() = default;
    RemoteSlot(const RemoteSlot&) = delete;
    RemoteSlot& operator=(const RemoteSlot&) = delete;
    virtual ~RemoteSlot() = default;

    // Until when it certainly is no other process's, whatever happens from now on; in the past if
    // it was not granted yet, or is lost. May grow.
    virtual BootTime valid_until() const noexcept = 0;
    // The fencing token of its grant: larger than those of all grants of the key before it.
    virtual std::uint64_t token() const noexcept = 0;
    // How many waiters of other processes stood before it when the backend looked last.
    virtual std::size_t ahead() const noexcept { return 0; }

    // Whether the servers have answered, and stay to it, that other processes have it. Until then a
    // waiter whose time is over does not know that the key was not free.
    virtual bool is_known_taken() const noexcept { return true; }

    // --- for the table; one of them is there

    LockRequest* waiter = nullptr;
    LockEvent* holder = nullptr;
};

// Throws LockError if the key is, or contains, an object of this process, which means nothing to
// other processes. `who` decides about the lock: "ZooKeeper".
void require_shareable(const IndexValue& key, std::string_view who);

// What decides about locks beside the table of this process: servers that several processes share.
// The table asks it for a slot on behalf of those waiters that would have the key if there were no
// other process. It never grants a lock without it.
class LockBackend {
public:
    // Learns what became of slots. The functions may be called at any time but during ask().
    class User {
    public:
        virtual void slot_granted(RemoteSlot& slot) noexcept = 0;
        // Other processes have the key; for a slot that was asked for without waiting for them.
        virtual void slot_not_free(RemoteSlot& slot) noexcept = 0;
        // It cannot be had.
        virtual void slot_refused(RemoteSlot& slot, std::exception_ptr error) noexcept = 0;
        // It was granted, and is not certainly held any more. `reason` is for a person.
        virtual void slot_lost(RemoteSlot& slot, const std::string& reason) noexcept = 0;

    protected:
        ~User() = default;
    };

    LockBackend() = default;
    LockBackend(const LockBackend&) = delete;
    LockBackend& operator=(const LockBackend&) = delete;
    virtual ~LockBackend() = default;

    // Asks for one of `size` slots of the key; the user hears of the answer later. `size` is
    // `unlimited` for a lock to read, which all that read share, and 1 for one that excludes them.
    // Waiters for different sizes exclude each other, in the order in which they came. With
    // `only_tries`, does not wait for other processes. Throws LockError if such a key cannot be
    // shared.
    virtual std::unique_ptr<RemoteSlot> ask(std::string_view context, const IndexValue& key,
                                            std::size_t size, bool only_tries, User& user) = 0;
    // Returns why nothing can be granted at this moment; empty if nothing is known of that kind.
    virtual std::string obstacle() const = 0;
    // co_await close(): gives back what it has. Nothing may be asked for afterwards.
    virtual Task<> close() = 0;
};

}  // namespace weir
