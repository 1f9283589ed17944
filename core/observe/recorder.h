#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/clock.h"
#include "core/event/matcher.h"
#include "core/run/trace.h"

namespace weir {

class LeafQueue;
class Queue;
class Scheduler;

// Records what a scheduler does, to be looked at afterwards: which routine ran when, and for which
// event; the way of each event through the queues. What it has seen is kept as numbers and copied
// texts, so that modules may be unloaded meanwhile. Records up to a limit; what comes later is
// counted and dropped.
//
// Belongs to the scheduler's thread, and must not outlive the scheduler.
class Recorder final : public Tracer {
public:
    struct Record {
        enum class Kind : std::uint8_t {
            routine,    // one is seen for the first time: its number and name, or where it started
            queue,      // one is seen for the first time: its number, path and size
            ran,        // a routine, for `amount` nanoseconds from `at` on, with the event, if any
            ended,      // a routine
            queued,     // an event, by a routine, if any; `amount` are in the queue now
            popped,     // an event
            refused,    // an event that a routine, if any, sent: there was no place
            blocked,    // an event; `amount` are in the queue now
            unblocked,  // an event
            handled,    // an event, by a handler
        };
        Kind kind;
        std::uint32_t routine = 0;  // its number, from 1 on
        std::uint32_t queue = 0;    // its number, from 1 on
        std::uint32_t text = 0;     // of texts(): a name or path, or the type of the event
        std::int64_t at = 0;        // nanoseconds since the recording began
        std::int64_t amount = 0;
        std::uint64_t event = 0;  // tells apart those that live at the same time; 0: none
    };
    using Kind = Record::Kind;

    // Begins to record. What the default queue of a queue holds is its size. Throws
    // std::logic_error if the scheduler has a tracer.
    Recorder(Scheduler& scheduler, std::size_t limit);
    ~Recorder() override;
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    // Ends the recording; what was recorded stays. Nothing happens if it has ended.
    void stop() noexcept;
    bool stopped() const noexcept { return stopped_; }
    // How long it has been recording, or was.
    Duration length() const noexcept;

    // In the order in which it became known; a record of a run comes when that is over. Whoever
    // takes records out makes room for more.
    std::deque<Record>& records() noexcept { return records_; }
    const std::deque<Record>& records() const noexcept { return records_; }
    // The first is "".
    const std::vector<std::string>& texts() const noexcept { return texts_; }
    std::uint64_t dropped() const noexcept { return dropped_; }

private:
    void queued(const Event& event, bool forced) override;
    void refused(const Event& event, const Matcher& signal) override;
    void popped(const Event& event) override;
    void delivered(const Event& event, const Matcher& matcher, const Subscriber& to) override;
    void blocked(const Event& event) override;
    void unblocked(const Event& event) override;
    void running(const Routine* routine) override;

    struct Running {
        const Routine* routine;
        std::uint32_t number;
        std::int64_t since;
        std::uint32_t type;   // of the event that it was resumed for
        std::uint64_t event;  // 0: none
    };
    // A queue is known by its matcher, which no other has.
    struct KnownQueue {
        std::uint32_t number;
        Matcher matcher;
    };

    std::int64_t time() const noexcept;
    // Takes part of a record; on failure, it counts as dropped.
    template <class F>
    void record(F make) noexcept;
    void add(const Record& record);
    void end_run(const Running& run);
    void add_tree(const Queue& queue);
    std::uint32_t number_of(const Routine& routine);
    std::uint32_t number_of(const LeafQueue& leaf);
    std::uint32_t type_of(const Event& event);
    std::uint32_t text_of(std::string_view text);
    std::uint32_t sender() const noexcept { return stack_.empty() ? 0 : stack_.back().number; }

    Scheduler& scheduler_;
    const std::size_t limit_;
    const Time began_;
    Duration length_{};
    bool stopped_ = false;
    std::uint64_t dropped_ = 0;
    std::deque<Record> records_;
    std::vector<std::string> texts_{""};
    std::unordered_map<std::string, std::uint32_t> text_numbers_;
    std::unordered_map<std::uint64_t, std::uint32_t> types_;      // the text, by EventType::id()
    std::unordered_map<const Routine*, std::uint32_t> routines_;  // that have not ended
    std::uint32_t routines_seen_ = 0;
    std::unordered_map<const LeafQueue*, KnownQueue> queues_;
    std::uint32_t queues_seen_ = 0;
    std::vector<Running> stack_;  // the routine that runs, on those that it has interrupted
    Running next_{};              // for whom, and with which event, the next run will be
};

}  // namespace weir
