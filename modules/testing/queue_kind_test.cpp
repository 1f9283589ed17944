#include "modules/testing/queue_kind.h"

#include <memory>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/queue/fair_queue.h"
#include "core/queue/fifo_queue.h"
#include "core/queue/priority_queue.h"

namespace weir {

namespace {

// What a kind of queue can do wrong.
enum class Fault {
    none,
    loses_an_event,
    ignores_its_limit,
    ignores_the_limit_above,
    refuses_force,
    refuses_when_empty,
    takes_and_refuses,
    does_not_hold,
    does_not_let_go,
    never_can_pop,
    always_can_pop,
    gives_no_signal,
    gives_no_signal_when_cleared,
    has_no_place,
    does_not_block,
    never_unblocks,
    puts_back_at_the_end,
    loses_what_is_put_back,
    keeps_events_when_cleared,
    keeps_events_when_destroyed,
    says_a_wrong_size,
    shows_not_all,
    does_not_count_withdrawn,
    stays_blocked_by_withdrawn,
    gives_no_signal_for_withdrawn,
};

// A queue first in, first out, with one fault.
class FaultyQueue final : public LeafQueue {
public:
    // `kept`: the events that it does not let go of.
    FaultyQueue(std::size_t max_size, Fault fault, std::shared_ptr<std::vector<Ref<Event>>> kept)
        : LeafQueue(max_size), fault_(fault), kept_(std::move(kept)) {}
    ~FaultyQueue() override {
        while (!events_.empty()) {
            Event& event = events_.pop_front();
            if (fault_ == Fault::keeps_events_when_destroyed) {
                kept_->push_back(let_go(event));
            } else {
                drop(event);
            }
        }
    }

    static LeafQueueFactory factory(Fault fault) {
        return [fault, kept = std::make_shared<std::vector<Ref<Event>>>()](std::size_t max_size) {
            return std::make_unique<FaultyQueue>(max_size, fault, kept);
        };
    }

    std::string_view kind() const noexcept override { return "faulty"; }
    std::size_t size() const noexcept override {
        return fault_ == Fault::says_a_wrong_size && size_ == 3 ? 2 : size_;
    }
    std::optional<bool> has_place(const QueueCanWriteEvent&) override {
        if (size_ < max_size_ && fault_ != Fault::has_no_place) {
            return true;
        }
        waited_ = true;
        return false;
    }
    void for_each(const std::function<void(Event&)>& visit) const override {
        bool first = true;
        for (Event& event : events_) {
            if (!first || fault_ != Fault::shows_not_all) {
                visit(event);
            }
            first = false;
        }
    }

private:
    Matcher add(Event& event, bool force) override {
        const bool may_be_full = !force || fault_ == Fault::refuses_force;
        const bool full = size_ >= max_size_ && fault_ != Fault::ignores_its_limit;
        if (may_be_full && (full || (fault_ == Fault::refuses_when_empty && size_ == 0))) {
            waited_ = true;
            if (fault_ == Fault::takes_and_refuses) {
                push(event);
            }
            return can_write_matcher();
        }
        if (!force && fault_ != Fault::ignores_the_limit_above) {
            if (Matcher wait = wait_above()) {
                return wait;
            }
        }
        push(event);
        return {};
    }
    void push(Event& event) {
        if (fault_ != Fault::does_not_hold) {
            hold(event);
        } else {
            event.retain();
        }
        events_.push_back(event);
        ++size_;
        if (fault_ != Fault::never_can_pop) {
            set_can_pop(!blocked_);
        }
    }
    Ref<Event> take(QueueSignals& signals) override {
        --size_;
        signal(signals);
        Event& event = events_.pop_front();
        if (fault_ == Fault::loses_an_event && size_ == 2) {
            drop(events_.pop_front());
            --size_;
        }
        can_pop_ = size_ != 0;
        if (fault_ == Fault::does_not_let_go) {
            return Ref<Event>::adopt(&event);
        }
        return let_go(event);
    }
    void put_back(Event& event) override {
        hold(event);
        if (fault_ == Fault::puts_back_at_the_end) {
            events_.push_back(event);
        } else {
            events_.push_front(event);
        }
        ++size_;
        if (fault_ == Fault::loses_what_is_put_back) {
            drop(events_.pop_front());
            --size_;
        }
        blocked_ = fault_ != Fault::does_not_block;
        set_can_pop(!blocked_ || fault_ == Fault::always_can_pop);
    }
    void release_block(Event&) override { unblock_all(); }
    void remove(Event& event, QueueSignals& signals) override {
        List<Event>::remove(event);
        size_ -= fault_ == Fault::does_not_count_withdrawn ? 0 : 1;
        if (event.blocks() != nullptr && fault_ != Fault::stays_blocked_by_withdrawn) {
            blocked_ = false;
        }
        set_can_pop(size_ != 0 && !blocked_);
        if (fault_ != Fault::gives_no_signal_for_withdrawn) {
            signal(signals);
        }
    }
    void unblock_all() override {
        if (fault_ != Fault::never_unblocks) {
            blocked_ = false;
            set_can_pop(size_ != 0);
        }
    }
    void drop_all(QueueSignals& signals) override {
        while (!events_.empty()) {
            Event& event = events_.pop_front();
            if (fault_ == Fault::keeps_events_when_cleared) {
                kept_->push_back(let_go(event));
            } else {
                drop(event, signals);
            }
        }
        size_ = 0;
        blocked_ = can_pop_ = false;
        if (fault_ != Fault::gives_no_signal_when_cleared) {
            signal(signals);
        }
    }
    void signal(QueueSignals& signals) {
        if (waited_ && size_ < max_size_ && fault_ != Fault::gives_no_signal) {
            waited_ = false;
            signals.can_write.push_back(make_can_write());
        }
    }

    const Fault fault_;
    const std::shared_ptr<std::vector<Ref<Event>>> kept_;  // shared with the factory
    List<Event> events_;
    std::size_t size_ = 0;
    bool blocked_ = false;
    bool waited_ = false;
};

std::string fault_found(Fault fault) {
    const std::string text = check_queue_kind(FaultyQueue::factory(fault));
    return text.substr(0, text.find(" (seed"));
}

}  // namespace

TEST_CASE("the kinds of weir keep every promise of a queue") {
    CHECK(check_queue_kind(FifoQueue::factory()) == "");
    CHECK(check_queue_kind(FaultyQueue::factory(Fault::none)) == "");
    CHECK(check_queue_kind(PriorityQueue::factory(), {.block_stops_all = false}) == "");
    FairQueueOptions fair;
    fair.key = EventKey::named("key");
    for (const std::size_t preserve_for_new : {0UL, 1UL, 2UL}) {
        for (const std::size_t subqueue_limit : {unlimited, std::size_t{2}}) {
            CAPTURE(preserve_for_new, subqueue_limit);
            fair.preserve_for_new = preserve_for_new;
            fair.subqueue_limit = subqueue_limit;
            CHECK(check_queue_kind(FairQueue::factory(fair), {.block_stops_all = false}) == "");
        }
    }
}

TEST_CASE("every promise that a kind of queue can break is named") {
    const auto [fault, expected] = GENERATE(table<Fault, std::string>({
        {Fault::loses_an_event, "has another size() than it has events"},
        {Fault::ignores_its_limit, "takes an event beyond its limit"},
        {Fault::ignores_the_limit_above, "takes an event although a queue above is full"},
        {Fault::refuses_force, "makes the sender of an event wait that is sent with force"},
        {Fault::refuses_when_empty, "makes a sender wait, although it is empty"},
        {Fault::takes_and_refuses, "holds an event whose sender it has told to wait"},
        {Fault::does_not_hold, "does not hold() an event"},
        {Fault::does_not_let_go, "still holds an event that has left"},
        {Fault::never_can_pop, "lets no event leave, although none blocks"},
        {Fault::always_can_pop, "lets events leave that a blocked one holds back"},
        {Fault::gives_no_signal, "gives no signal for a free slot to a sender that waits"},
        {Fault::gives_no_signal_when_cleared,
         "gives no signal for a free slot to a sender that waits"},
        {Fault::has_no_place, "gives no signal for a free slot to a sender that waits"},
        {Fault::does_not_block, "lets events leave that a blocked one holds back"},
        {Fault::never_unblocks, "lets no event leave when the one that blocks is unblocked"},
        {Fault::puts_back_at_the_end, "lets another event leave before the one that was unblocked"},
        {Fault::loses_what_is_put_back, "does not hold() an event that is put back"},
        {Fault::keeps_events_when_cleared, "keeps an event after clear()"},
        {Fault::keeps_events_when_destroyed, "keeps an event when it is destroyed"},
        {Fault::says_a_wrong_size, "has another size() than it has events"},
        {Fault::shows_not_all, "does not show each event once in for_each()"},
        {Fault::does_not_count_withdrawn, "has another size() than it has events"},
        {Fault::stays_blocked_by_withdrawn, "lets no event leave, although none blocks"},
        {Fault::gives_no_signal_for_withdrawn,
         "gives no signal for a free slot to a sender that waits"},
    }));
    CHECK(fault_found(fault) == "a queue of this kind " + expected);
}

TEST_CASE("a broken promise is named with what led to it, the same each time") {
    const LeafQueueFactory factory = FaultyQueue::factory(Fault::ignores_its_limit);
    const std::string first = check_queue_kind(factory);
    CHECK_THAT(first, Catch::Matches(".* \\(seed [0-9]+, operation [0-9]+: send\\)"));
    CHECK(check_queue_kind(factory) == first);
}

}  // namespace weir
