#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/event/index_value.h"
#include "core/event/matcher.h"
#include "core/run/event_handler.h"
#include "core/run/timer.h"
#include "modules/system/event/event_watch.h"

namespace weir {

class EventTopics;

// What watches of the same events share: one subscription, one copy of each event as data, and, if
// a watch may continue another one, the latest events.
class EventTopic final : public Link<EventTopic, EventTopics> {
public:
    // The latest events that a watch can get afterwards.
    static constexpr WatchLimits history_limits{.events = 1000, .bytes = std::size_t{1} << 20};

    // `id` differs from that of all other topics, of earlier processes too.
    EventTopic(EventTopics& topics, std::string type, Matcher matcher, std::string id);
    EventTopic(const EventTopic&) = delete;
    EventTopic& operator=(const EventTopic&) = delete;

    const std::string& type() const noexcept { return type_; }
    const Matcher& matcher() const noexcept { return matcher_; }
    Scheduler& scheduler() const noexcept { return handler_.scheduler(); }

    void join(EventWatch& watch) noexcept;
    // Destroys this with the last watch, unless it has a history.
    void leave(EventWatch& watch) noexcept;
    bool watched() const noexcept { return !watches_.empty(); }

    // Keeps the latest events from now on.
    void keep_history() noexcept { keeps_history_ = true; }
    bool keeps_history() const noexcept { return keeps_history_; }
    // Gives the watch the kept events that follow the position, and before them a gap if some are
    // not kept.
    void replay(EventWatch& watch, const std::string& after) const;

private:
    friend class EventTopics;
    using Topics = std::map<std::vector<IndexValue>, std::unique_ptr<EventTopic>>;

    struct Kept {
        std::uint64_t number;
        std::shared_ptr<const WatchedEvent> event;  // shared with watches
        bool bridged;
    };

    void receive(const Event& event);
    void remember(const std::shared_ptr<const WatchedEvent>& event, bool bridged);
    void forget_history() noexcept;

    EventTopics& topics_;
    const std::string type_;
    const Matcher matcher_;
    const std::string id_;
    EventHandler handler_;
    List<EventWatch, EventTopic> watches_;
    std::uint64_t received_ = 0;
    bool keeps_history_ = false;
    std::deque<Kept> history_;
    std::size_t history_bytes_ = 0;
    Topics::iterator entry_;  // of this in EventTopics
    Time end_{};              // of its history, while it has no watch
};

// The topics of a scheduler.
class EventTopics final {
public:
    // How long a topic keeps its history after its last watch.
    static constexpr Duration history_time = std::chrono::seconds(60);
    // How many topics without a watch keep their histories. Those that have been without one for
    // the longest time are destroyed first.
    static constexpr std::size_t most_unwatched = 1000;
    // How large these histories may be together.
    static constexpr std::size_t most_unwatched_bytes = std::size_t{64} << 20;

    explicit EventTopics(Scheduler& scheduler) noexcept : ends_(scheduler) {}

    // Returns the topic of the events of the type that match, made if there is none. The caller has
    // to release() it, unless a watch joins it.
    EventTopic& topic(const std::string& type, const Matcher& matcher);
    // Destroys the topic if nothing watches it; later, if it has a history and has received events.
    void release(EventTopic& topic) noexcept;
    std::size_t size() const noexcept { return topics_.size(); }
    Scheduler& scheduler() const noexcept { return ends_.scheduler(); }

private:
    friend class EventTopic;

    // The history of a topic had so many bytes before.
    void history_changed(EventTopic& topic, std::size_t before) noexcept;
    void watched_again(EventTopic& topic) noexcept;
    // Destroys topics without a watch until the others keep to the limits, but never this one.
    void keep_to_limits(const EventTopic& spared) noexcept;
    void erase(EventTopic& topic) noexcept;
    // Sets the timer to the end of the first history that ends. Requires that there is one.
    void set_timer() noexcept;
    void erase_ended() noexcept;

    EventTopic::Topics topics_;
    // Have a history and no watch, in the order in which they lost their last one: their histories
    // end in this order too, and one timer serves them all.
    List<EventTopic, EventTopics> unwatched_;
    std::size_t unwatched_count_ = 0;
    std::size_t unwatched_bytes_ = 0;  // of their histories
    Timer timer_;
    EventHandler ends_;  // of the timer
};

}  // namespace weir
