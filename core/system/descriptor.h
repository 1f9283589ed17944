#pragma once

#include <cstdint>
#include <exception>
#include <source_location>
#include <span>
#include <string>

#include "core/base/ref.h"
#include "core/event/event.h"
#include "core/event/matcher.h"
#include "core/run/system_error.h"
#include "core/run/wait.h"
#include "core/system/file_descriptor.h"

namespace weir {

class DescriptorState;
class Scheduler;

enum class Readiness {
    readable,  ///< a read does not block: there is data, an end, or an error to fetch
    writable,  ///< a write does not block: there is room, or an error to fetch
};

/// What a watch is known by in its events, which share it.
class DescriptorIdentity : public RefCounted<DescriptorIdentity> {
public:
    virtual ~DescriptorIdentity() = default;
};

/// Sent when a watched descriptor has become ready.
struct DescriptorEvent : Event {
    Index<int> descriptor;  ///< the number that the watch was made with
    Index<Readiness> readiness;
    Index<const DescriptorIdentity*> watch;
    Ref<DescriptorIdentity> identity;  ///< keeps its address from being given to another watch

    static auto declare() {
        return declare_event<DescriptorEvent>("weir.DescriptorEvent")
            .index("descriptor", &DescriptorEvent::descriptor)
            .index("readiness", &DescriptorEvent::readiness)
            .index("watch", &DescriptorEvent::watch);
    }
};

/// Thrown where a routine waits for a descriptor whose DescriptorWatch is destroyed.
class WatchGoneException : public std::exception {
public:
    const char* what() const noexcept override { return "the descriptor is no longer watched"; }
};

/// The awaitable of readable() and writable().
class DescriptorWait final : public Wait {
public:
    DescriptorWait(Ref<DescriptorState> state, Readiness readiness) noexcept;
    DescriptorWait(int descriptor, Readiness readiness) noexcept;
    ~DescriptorWait();

    template <InRoutine Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) {
        begin(*coroutine.promise().routine);
        Wait::await_suspend(coroutine, at);
    }
    void await_resume();

    std::span<const Matcher> matchers() const noexcept override { return {&ready_, 1}; }
    Then matched(const Ref<Event>&, Subscription&) override { return Then::resume; }
    std::string describe() const override;

private:
    void begin(Routine& routine);

    const int descriptor_;
    const Readiness readiness_;
    const bool own_;  // the state is this wait's own, and ends with it
    Ref<DescriptorState> state_;
    Matcher ready_;
};

/// Watches a file descriptor of any origin: a socket of a C library, a pipe, a device, an eventfd.
/// Any number of routines may wait, and any number of objects may watch the same descriptor.
///
///     DescriptorWatch watch(scheduler, socket);
///     co_await watch.readable();
///
/// Watches what is open under that number when the watch is made, by a duplicate of its own. The
/// owner may therefore close the descriptor, or the system give its number to another file, at any
/// time: the watch neither fails nor reports the other file. But the file stays open as long as it
/// is watched, so the owner destroys the watch before it closes the descriptor. Leaves the
/// descriptor's blocking mode as it is. Regular files cannot be watched: they are always ready.
///
/// Belongs to the scheduler's thread; the scheduler must outlive it.
class DescriptorWatch {
public:
    /// Throws SystemError if the descriptor cannot be watched, or none are left for the duplicate;
    /// std::logic_error if the scheduler does not run on libuv.
    DescriptorWatch(Scheduler& scheduler, int descriptor);
    /// Watches without a duplicate a descriptor that the watch then owns, and closes.
    DescriptorWatch(Scheduler& scheduler, FileDescriptor descriptor);
    /// Routines that still wait get a WatchGoneException.
    ~DescriptorWatch();
    DescriptorWatch(const DescriptorWatch&) = delete;
    DescriptorWatch& operator=(const DescriptorWatch&) = delete;

    /// co_await watch.readable(): waits until the descriptor is ready. All routines that wait are
    /// resumed, so a routine whose read then would block (EAGAIN), since another routine was
    /// faster, waits again.
    DescriptorWait readable() const noexcept;
    DescriptorWait writable() const noexcept;

    // --- as events

    /// Sends one DescriptorEvent as soon as the descriptor is ready. After that event, arm() again:
    /// a descriptor that nobody reads from stays ready, and would send without end.
    void arm(Readiness readiness);
    /// Returns the matcher of these events, the same one each time.
    const MatcherOf<DescriptorEvent>& matcher(Readiness readiness) const noexcept;

    /// Returns the number of the watched descriptor: of the one that the watch owns, or else that
    /// of the owner.
    int descriptor() const noexcept;

private:
    Ref<DescriptorState> state_;
};

/// co_await readable(descriptor): as DescriptorWatch::readable(), with a watch that lasts as long
/// as the wait. For a descriptor that is waited for often a DescriptorWatch costs less.
inline DescriptorWait readable(int descriptor) noexcept {
    return {descriptor, Readiness::readable};
}
inline DescriptorWait writable(int descriptor) noexcept {
    return {descriptor, Readiness::writable};
}

}  // namespace weir
