#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/base/clock.h"
#include "core/event/matcher.h"
#include "core/run/trace.h"

namespace weir {

class LeafQueue;
class Queue;
class Scheduler;

/// Records what a scheduler does, for later inspection: which routine ran when and for which event,
/// and the path of each event through the queues. Keeps numbers and copied texts only, so that
/// modules may be unloaded meanwhile. Records up to a limit; later records are counted and dropped.
///
/// Belongs to the scheduler's thread and must not outlive the scheduler.
class Recorder final : public Tracer {
public:
    struct Record {
        enum class Kind : std::uint8_t {
            routine,    ///< first seen: its number, and its name or where it started
            queue,      ///< first seen: its number, path and size
            ran,        ///< a routine, for `amount` ns from `at`, with its event, if any
            ended,      ///< a routine
            queued,     ///< an event, by a routine, if any; the queue now holds `amount`
            popped,     ///< an event
            refused,    ///< an event sent by a routine, if any: the queue was full
            blocked,    ///< an event; the queue now holds `amount`
            unblocked,  ///< an event
            handled,    ///< an event, by a handler
            withdrawn,  ///< an event
            content,    ///< what an event says, which is in a queue next, or has just left one
        };
        Kind kind;
        std::uint32_t routine = 0;  ///< its number, from 1; 0: none
        std::uint32_t queue = 0;    ///< its number, from 1; 0: none
        std::uint32_t text = 0;     ///< index in texts(): a name, a path, the type of the event,
                                    ///< or what it says
        std::int64_t at = 0;        ///< nanoseconds since the recording began
        std::int64_t amount = 0;
        std::uint64_t event = 0;  ///< differs between events that live at the same time; 0: none
    };
    using Kind = Record::Kind;
    /// Returns what an event says, as a text; "" if nothing is to be recorded of it.
    using Contents = std::function<std::string(const Event&)>;

    /// Begins to record. The size of a queue is the number of events in its leaf queue. With
    /// `contents` it records what each event says when that enters a queue, or leaves the queue in
    /// which it was before the recording; these texts may have sizeof(Record) bytes for each of the
    /// `limit` records. Throws std::logic_error if the scheduler has a tracer already.
    Recorder(Scheduler& scheduler, std::size_t limit, Contents contents = {});
    ~Recorder() override;
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    /// Ends the recording and keeps the records. Does nothing if it has ended.
    void stop() noexcept;
    bool stopped() const noexcept { return stopped_; }
    /// Returns how long the recording has lasted so far, or lasted.
    Duration length() const noexcept;

    /// In the order in which the recorder learned of it; a run is recorded when it ends. Removing
    /// records makes room for more.
    std::deque<Record>& records() noexcept { return records_; }
    const std::deque<Record>& records() const noexcept { return records_; }
    /// The first text is "".
    const std::vector<std::string>& texts() const noexcept { return texts_; }
    std::uint64_t dropped() const noexcept { return dropped_; }

private:
    void queued(const Event& event, bool forced) override;
    void refused(const Event& event, const Matcher& signal) override;
    void popped(const Event& event) override;
    void delivered(const Event& event, const Matcher& matcher, const Subscriber& to) override;
    void withdrawn(const Event& event) override;
    void blocked(const Event& event) override;
    void unblocked(const Event& event) override;
    void running(const Routine* routine) override;

    struct Running {
        const Routine* routine;
        std::uint32_t number;
        std::int64_t since;
        std::uint32_t type;   // of the event that resumed it
        std::uint64_t event;  // 0: none
    };
    // A queue is identified by its matcher: another queue may reuse its address, but has another
    // matcher.
    struct KnownQueue {
        std::uint32_t number;
        Matcher matcher;
    };

    std::int64_t time() const noexcept;
    // Makes part of a record; a failure counts as dropped.
    template <class F>
    void record(F make) noexcept;
    void add(const Record& record);
    void add_content(const Event& event);
    void end_run(const Running& run);
    void add_tree(const Queue& queue);
    std::uint32_t number_of(const Routine& routine);
    std::uint32_t number_of(const LeafQueue& leaf);
    std::uint32_t type_of(const Event& event);
    std::uint32_t text_of(std::string_view text);
    std::uint32_t sender() const noexcept { return stack_.empty() ? 0 : stack_.back().number; }

    Scheduler& scheduler_;
    const std::size_t limit_;
    const Contents contents_;
    std::size_t bytes_left_;                  // that contents may have
    std::unordered_set<std::uint64_t> told_;  // events in queues whose content is recorded
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
    std::vector<Running> stack_;  // the running routine, above the routines that it interrupted
    Running next_{};              // what the next run will be for: its routine and event
};

}  // namespace weir
