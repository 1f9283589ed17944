#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "core/base/list.h"
#include "core/event/event_key.h"
#include "core/event/node_map.h"
#include "core/queue/history.h"
#include "core/queue/queue.h"
#include "core/queue/ring.h"

namespace weir {

// How a FairQueue classifies and limits.
struct FairQueueOptions {
    EventKey key = EventKey::by_type();
    // Of the places of the limit, how many only an event of a new class may take; one is always
    // left for the others.
    std::size_t preserve_for_new = 1;
    // The most events of one class.
    std::size_t subqueue_limit = unlimited;
    // Of how many events served lately the classes are counted, at most; fairness is decided by
    // these counts. Default: ten times the limit, at most 10,240.
    std::size_t max_history = unlimited;
    // When a class is served that was idle.
    enum class Returning {
        // Before the others if it has had less than its share lately; of several such classes, the
        // first that came first.
        first_come,
        // The same, but the last that came first, which turns the order round in which events came.
        // As VLCP has it; for comparing with recorded runs of VLCP only.
        last_come,
        // After all that came before, whatever it has had: the first events of the classes leave in
        // the order in which they came.
        in_turn,
    };
    Returning returning = Returning::first_come;
};

// Fair between classes of events: those with the same value of an index or member are a class,
// events without it another. Classes are served in turn, within a class first in, first out. A
// class that was idle and has had less than its share lately is served before the others; see
// FairQueueOptions::Returning.
class FairQueue : public LeafQueue {
public:
    FairQueue(std::size_t max_size, FairQueueOptions options);
    ~FairQueue() override;

    std::string_view kind() const noexcept override { return "auto"; }
    std::size_t size() const noexcept override { return size_; }
    std::optional<bool> has_place(const QueueCanWriteEvent& signal) override;
    void for_each(const std::function<void(Event&)>& visit) const override;

    const FairQueueOptions& options() const noexcept { return options_; }
    // The number of classes that have events.
    std::size_t active_classes() const noexcept { return with_events_; }

    static LeafQueueFactory factory(FairQueueOptions options = {});

protected:
    Matcher add(Event& event, bool force) override;
    void put_back(Event& event) override;
    void release_block(Event& event) override;
    Ref<Event> take(QueueSignals& signals) override;
    void drop_all(QueueSignals& signals) override;
    void unblock_all() override;

private:
    class Class;

    static FairQueueOptions with_a_place_for_all(FairQueueOptions options, std::size_t max_size);
    const IndexValue& class_key(const Event& event) const;
    Class& make_class(const IndexValue& key);
    void forget_if_unused(Class& c) noexcept;
    void activate(Class& c);
    void deactivate(Class& c) noexcept;
    Class& next_class() noexcept;
    bool any_ready() const noexcept { return !returned_.empty() || !ready_.empty(); }
    void unblock(Class& c);
    void count_served(Class& c);
    Matcher why_not(const IndexValue& key, Class* c);
    void signal_place(Class& c, QueueSignals& signals);
    Ref<QueueCanWriteEvent> signal(const IndexValue& key, bool new_only, bool first_only);

    bool waited() const noexcept;
    std::size_t most_counted() const noexcept {
        return std::min(max_history_, 10 * in_history_ + 10);
    }
    std::ptrdiff_t places_of_old_classes() const noexcept;

    const FairQueueOptions options_;
    const std::size_t max_history_;
    const bool limited_;  // in all or in a class
    NodeMap<Class> classes_;
    Ring<Class> ready_;            // classes whose events may leave, in turn
    List<Class> returned_;         // those that are served before
    List<Class> blocked_classes_;  // in order of blocking
    History<Class*> lately_;       // who was served
    std::size_t size_ = 0;
    std::size_t with_events_ = 0;
    std::size_t in_history_ = 0;  // classes with a count of how often they were served lately
    IndexValue no_key_;           // the key of events that have none

    // Which signals senders wait for. `may_be_waited_` is false only if none is.
    bool may_be_waited_ = false;
    std::vector<Class*> waited_classes_;
    bool waited_any_class_ = false;    // a place for any class
    bool waited_first_event_ = false;  // a place for the first event of a class
    bool waited_new_class_ = false;    // a place for a new class
};

}  // namespace weir
