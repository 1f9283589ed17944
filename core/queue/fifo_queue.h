#pragma once

#include "core/base/list.h"
#include "core/queue/leaf_queue.h"

namespace weir {

/// A queue whose events leave in the order in which they came. A blocked event holds back all
/// others.
class FifoQueue final : public LeafQueue {
public:
    explicit FifoQueue(std::size_t max_size = unlimited) noexcept : LeafQueue(max_size) {}
    ~FifoQueue() override;

    std::string_view kind() const noexcept override { return "fifo"; }
    std::size_t size() const noexcept override { return size_; }
    std::optional<bool> has_place(const QueueCanWriteEvent& signal) override;
    void for_each(const std::function<void(Event&)>& visit) const override;

    /// Returns a factory of such queues, for QueueOptions::kind.
    static LeafQueueFactory factory();

private:
    Matcher add(Event& event, bool force) override;
    void put_back(Event& event) override;
    void release_block(Event& event) override;
    void remove(Event& event, QueueSignals& signals) override;
    Ref<Event> take(QueueSignals& signals) override;
    void drop_all(QueueSignals& signals) override;
    void unblock_all() override;
    void signal_place(QueueSignals& signals);

    List<Event> events_;
    std::size_t size_ = 0;
    bool blocked_ = false;  // by its first event
    bool waited_ = false;   // a sender waits for a free slot
};

}  // namespace weir
