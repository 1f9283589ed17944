#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "core/base/list.h"
#include "core/event/event_key.h"
#include "core/event/node_map.h"
#include "core/queue/fair_turns.h"
#include "core/queue/queue.h"

namespace weir {

/// How a FairQueue classifies events, and what it takes of each class.
struct FairQueueOptions {
    /// The value by which events are classified.
    EventKey key = EventKey::by_type();
    /// How many slots of the queue's limit only an event of a new class may take. At least one slot
    /// is always left for the other classes.
    std::size_t preserve_for_new = 1;
    /// The largest number of events of one class.
    std::size_t subqueue_limit = unlimited;
    /// How many turns are remembered at most to decide what is fair. Default: ten times the limit,
    /// at most 10,240.
    std::size_t max_history = unlimited;
    /// When a class is served that was idle.
    using Returning = weir::Returning;
    Returning returning = Returning::first_come;
    /// Whether senders of a class that has become empty learn of a slot for its first event if they
    /// wait for another one. False: as VLCP has it, where they may wait although the queue is
    /// empty.
    bool wakes_emptied = true;
};

/// A queue that is fair between classes of events, so that one busy sender, connection or key
/// cannot delay the others. Events with the same value of an index or member are a class; events
/// without that value are another one. Classes take turns (FairTurns); within a class events are
/// first in, first out.
///
/// A blocked event holds back its class only. When the queue is full, slots are kept for classes
/// that have no event in it; see FairQueueOptions.
class FairQueue : public LeafQueue {
public:
    FairQueue(std::size_t max_size, FairQueueOptions options);
    ~FairQueue() override;

    std::string_view kind() const noexcept override { return "auto"; }
    std::size_t size() const noexcept override { return size_; }
    std::optional<bool> has_place(const QueueCanWriteEvent& signal) override;
    /// An event passes if its class has none, and if there is a free slot beside those that are
    /// kept for classes.
    bool lets_pass(const Event& event) const override;
    void for_each(const std::function<void(Event&)>& visit) const override;

    const FairQueueOptions& options() const noexcept { return options_; }
    /// Returns the number of classes that have events.
    std::size_t active_classes() const noexcept { return with_events_; }

    /// Returns a factory of such queues, for QueueOptions::kind.
    static LeafQueueFactory factory(FairQueueOptions options = {});

protected:
    Matcher add(Event& event, bool force) override;
    void put_back(Event& event) override;
    void release_block(Event& event) override;
    void remove(Event& event, QueueSignals& signals) override;
    Ref<Event> take(QueueSignals& signals) override;
    void drop_all(QueueSignals& signals) override;
    void unblock_all() override;

private:
    class Class;

    static FairQueueOptions with_a_place_for_all(FairQueueOptions options, std::size_t max_size);
    const IndexValue& class_key(const Event& event) const;
    Class* find_class(const Event& event) const;
    Class& make_class(const IndexValue& key);
    void forget_if_unused(Class& c) noexcept;
    void unblock(Class& c);
    void count_served(Class& c);
    Matcher why_not(const IndexValue& key, Class* c);
    void signal_place(Class& c, QueueSignals& signals);
    Ref<QueueCanWriteEvent> signal(const IndexValue& key, bool new_only, bool first_only);

    bool waited() const noexcept;
    std::size_t most_remembered() const noexcept {
        return std::min(max_history_, 10 * turns_.shares() + 10);
    }
    std::ptrdiff_t places_of_old_classes() const noexcept;

    const FairQueueOptions options_;
    const std::size_t max_history_;
    const bool limited_;  // in all or in a class
    NodeMap<Class> classes_;
    // Of the classes whose events may leave.
    struct Rule {
        FairQueueOptions::Returning returning;
    };
    FairTurns<Class, Rule> turns_;
    List<Class> blocked_classes_;  // in order of blocking
    std::size_t size_ = 0;
    std::size_t with_events_ = 0;
    IndexValue no_key_;  // the key of events that have none

    // Which signals senders wait for. `may_be_waited_` is false only if none is.
    bool may_be_waited_ = false;
    std::vector<Class*> waited_classes_;
    bool waited_any_class_ = false;    // a slot for any class
    bool waited_first_event_ = false;  // a slot for the first event of a class
    bool waited_new_class_ = false;    // a slot for a new class
    // A slot for a first event: a class has become empty whose senders wait for something else.
    bool waited_emptied_ = false;
};

}  // namespace weir
