#pragma once

#include <weir/core.h>

// A kind of queue: last in, first out. While its newest event is blocked, nothing leaves.
class LifoQueue final : public weir::LeafQueue {
public:
    using LeafQueue::LeafQueue;
    ~LifoQueue() override {
        while (!events_.empty()) {
            drop(events_.pop_front());
        }
    }

    std::string_view kind() const noexcept override { return "lifo"; }
    std::size_t size() const noexcept override { return size_; }
    void for_each(const std::function<void(weir::Event&)>& visit) const override {
        for (weir::Event& event : events_) {
            visit(event);
        }
    }

    // Whether a woken sender could send now; if not, the queue signals again later.
    std::optional<bool> has_place(const weir::QueueCanWriteEvent&) override {
        waited_ = size_ >= max_size_;
        return !waited_;
    }

private:
    // Returns nothing if it has stored the event, else the matcher of the signal to wait for.
    weir::Matcher add(weir::Event& event, bool force) override {
        if (!force && size_ >= max_size_) {
            waited_ = true;
            return can_write_matcher();
        }
        if (!force) {
            if (weir::Matcher wait = wait_above()) {
                return wait;  // a queue above is full
            }
        }
        push(event);
        set_can_pop(!blocked_);
        return {};
    }

    weir::Ref<weir::Event> take(weir::QueueSignals& signals) override {
        weir::Ref<weir::Event> event = let_go(events_.pop_front());
        can_pop_ = --size_ != 0;
        signal_place(signals);
        return event;
    }

    void put_back(weir::Event& event) override {
        push(event);
        blocked_ = true;
        set_can_pop(false);
    }
    void release_block(weir::Event&) override { unblock_all(); }
    void remove(weir::Event& event, weir::QueueSignals& signals) override {
        weir::List<weir::Event>::remove(event);
        --size_;
        blocked_ = blocked_ && event.blocks() == nullptr;
        set_can_pop(size_ != 0 && !blocked_);
        signal_place(signals);
    }
    void unblock_all() override {
        blocked_ = false;
        set_can_pop(size_ != 0);
    }

    void drop_all(weir::QueueSignals& signals) override {
        while (!events_.empty()) {
            drop(events_.pop_front(), signals);
        }
        size_ = 0;
        blocked_ = can_pop_ = false;
        signal_place(signals);
    }

    void push(weir::Event& event) {
        hold(event);
        events_.push_front(event);
        ++size_;
    }

    // Wakes a waiting sender if there is room.
    void signal_place(weir::QueueSignals& signals) {
        if (waited_ && size_ < max_size_) {
            waited_ = false;
            signals.can_write.push_back(weir::make_event<weir::QueueCanWriteEvent>(
                static_cast<weir::Limited*>(this), owner()));
        }
    }

    weir::List<weir::Event> events_;
    std::size_t size_ = 0;
    bool blocked_ = false;  // by its newest event
    bool waited_ = false;   // a sender waits for room
};
