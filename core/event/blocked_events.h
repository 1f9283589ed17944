#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/base/list.h"
#include "core/event/event.h"
#include "core/event/matcher.h"

namespace weir {

// The blocked events: those that nobody has processed yet and that may not be dropped. A new
// matcher takes out those that it matches. A trie like MatchTree, but of events; a node is split
// into one child per value only when it holds more than a few.
//
// Holds a reference to each event.
class BlockedEvents {
public:
    using PredicateFailed = std::function<void(const Matcher&, const Event&)>;

    // Keeps blocked events of one type as long as nobody looks for any, in a form that costs less.
    // To whoever looks they are in the tree all the time.
    class Keeper : public Link<Keeper> {
    public:
        explicit Keeper(const EventType& type) noexcept : type_(type) {}

    protected:
        ~Keeper() = default;

        std::size_t kept_ = 0;  // so many

    private:
        friend class BlockedEvents;

        // Inserts them all, each with the arrival that it had.
        virtual void show(BlockedEvents& tree) = 0;

        const EventType& type_;
    };

    explicit BlockedEvents(PredicateFailed predicate_failed = {});
    ~BlockedEvents();
    BlockedEvents(const BlockedEvents&) = delete;
    BlockedEvents& operator=(const BlockedEvents&) = delete;

    std::size_t size() const noexcept {
        std::size_t size = size_;
        for (const Keeper& keeper : keepers_) {
            size += keeper.kept_;
        }
        return size;
    }

    // Until the keeper goes.
    void add(Keeper& keeper) noexcept { keepers_.push_back(keeper); }
    // What an event that a keeper takes is to be inserted with.
    std::uint64_t arrive() noexcept { return arrivals_++; }
    std::uint64_t last_arrival() const noexcept { return arrivals_ - 1; }

    // Requires that the event is in no tree. On failure nothing has changed.
    void insert(Event& event) { insert(event, arrive()); }
    void insert(Event& event, std::uint64_t arrival);
    // Takes the event out, if it is in.
    void remove(Event& event) noexcept;
    // Appends all events that match, in order of their arrival, to `taken`; they leave the tree. On
    // failure nothing has changed.
    void take(const Matcher& matcher, std::vector<Ref<Event>>& taken);

    // Calls the function for every event, in no particular order.
    void for_each(const std::function<void(const Event&)>& visit);

    class Node;

private:
    void collect(Node& node, const Matcher& matcher, std::vector<Event*>& found);
    bool judge(const Matcher& matcher, const Event& event) const noexcept;
    void split_if_many(Node& node) noexcept;
    static void let_go_below(Node& node) noexcept;

    std::unique_ptr<Node> root_;
    std::size_t size_ = 0;
    std::uint64_t arrivals_ = 0;
    List<Keeper> keepers_;
    PredicateFailed predicate_failed_;
};

}  // namespace weir
