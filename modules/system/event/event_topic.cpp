#include "modules/system/event/event_topic.h"

#include <charconv>
#include <new>
#include <utility>

#include "core/run/random_id.h"
#include "core/run/scheduler.h"
#include "modules/system/event/event_description.h"
#include "modules/system/event/event_json.h"

namespace weir {

namespace {

// Small events need more memory for what surrounds them than for their members.
std::size_t size_of(const WatchedEvent& event) noexcept {
    return sizeof event + event.type.size() + event.json.size() + event.position.size();
}

}  // namespace

EventTopic::EventTopic(EventTopics& topics, std::string type, Matcher matcher, std::string id)
    : topics_(topics),
      type_(std::move(type)),
      matcher_(std::move(matcher)),
      id_(std::move(id)),
      handler_(topics.scheduler()) {
    handler_.handle(matcher_, [this](const Ref<Event>& event) { receive(*event); });
}

void EventTopic::join(EventWatch& watch) noexcept {
    watches_.push_back(watch);
    topics_.watched_again(*this);
}

void EventTopic::leave(EventWatch& watch) noexcept {
    List<EventWatch, EventTopic>::remove(watch);
    topics_.release(*this);
}

// An event of a type that extends the watched one leaves the process only if its own type says so.
void EventTopic::receive(const Event& event) {
    if (!event.ignorable() || !why_not_portable(event.type()).empty()) {
        return;
    }
    ++received_;
    try {
        auto made = std::make_shared<WatchedEvent>();
        made->type = event.type().name();
        made->json = event_json(event);
        made->position = id_ + '-' + std::to_string(received_);
        for (EventWatch& watch : watches_) {
            watch.add(made, event.bridged());
        }
        if (keeps_history_) {
            remember(made, event.bridged());
        }
    } catch (const std::bad_alloc&) {
        for (EventWatch& watch : watches_) {
            watch.count_lost();
        }
        forget_history();  // it has a gap
    }
}

void EventTopic::remember(const std::shared_ptr<const WatchedEvent>& event, bool bridged) {
    history_.push_back({received_, event, bridged});
    const std::size_t before = history_bytes_;
    history_bytes_ += size_of(*event);
    while (history_.size() > history_limits.events || history_bytes_ > history_limits.bytes) {
        history_bytes_ -= size_of(*history_.front().event);
        history_.pop_front();
    }
    topics_.history_changed(*this, before);
}

void EventTopic::forget_history() noexcept {
    history_.clear();
    topics_.history_changed(*this, std::exchange(history_bytes_, 0));
}

void EventTopic::replay(EventWatch& watch, const std::string& after) const {
    const std::string prefix = id_ + '-';
    std::uint64_t number = 0;
    bool known = after.starts_with(prefix);
    if (known) {
        const char* const end = after.data() + after.size();
        const auto [stop, error] = std::from_chars(after.data() + prefix.size(), end, number);
        known = error == std::errc() && stop == end && number <= received_;
    }
    number = known ? number : 0;
    const std::uint64_t first = history_.empty() ? received_ + 1 : history_.front().number;
    if (!known || number + 1 < first) {
        watch.begin_with_gap();
    }
    for (const Kept& kept : history_) {
        if (kept.number > number) {
            watch.add(kept.event, kept.bridged);
        }
    }
}

// --- EventTopics

EventTopic& EventTopics::topic(const std::string& type, const Matcher& matcher) {
    std::vector<IndexValue> path(matcher.path().begin(), matcher.path().end());
    if (const auto found = topics_.find(path); found != topics_.end()) {
        return *found->second;
    }
    auto made = std::make_unique<EventTopic>(*this, type, matcher, random_id(scheduler().poller()));
    const auto entry = topics_.emplace(std::move(path), std::move(made)).first;
    entry->second->entry_ = entry;
    return *entry->second;
}

void EventTopics::history_changed(EventTopic& topic, std::size_t before) noexcept {
    if (topic.linked()) {
        unwatched_bytes_ += topic.history_bytes_;
        unwatched_bytes_ -= before;
        keep_to_limits(topic);
    }
}

void EventTopics::watched_again(EventTopic& topic) noexcept {
    if (topic.linked()) {
        List<EventTopic, EventTopics>::remove(topic);
        --unwatched_count_;
        unwatched_bytes_ -= topic.history_bytes_;
    }
}

void EventTopics::keep_to_limits(const EventTopic& spared) noexcept {
    while (unwatched_count_ > most_unwatched || unwatched_bytes_ > most_unwatched_bytes) {
        auto oldest = unwatched_.begin();
        if (&*oldest == &spared) {
            ++oldest;  // there is another one, for one alone keeps to them
        }
        erase(*oldest);
    }
}

// No client knows a position of a topic that has received nothing, so none can continue there.
void EventTopics::release(EventTopic& topic) noexcept {
    if (topic.watched()) {
        return;
    }
    if (!topic.keeps_history() || topic.received_ == 0) {
        erase(topic);
        return;
    }
    topic.end_ = scheduler().now() + history_time;
    unwatched_.push_back(topic);
    ++unwatched_count_;
    unwatched_bytes_ += topic.history_bytes_;
    keep_to_limits(topic);
    if (!timer_.active()) {
        set_timer();
    }
}

void EventTopics::erase(EventTopic& topic) noexcept {
    watched_again(topic);
    topics_.erase(topic.entry_);
}

void EventTopics::set_timer() noexcept {
    try {
        timer_ = scheduler().set_timer(unwatched_.front().end_ - scheduler().now());
        ends_.handle(timer_.matcher(), [this](const Ref<Event>&) { erase_ended(); });
    } catch (const std::bad_alloc&) {
        // A later watch finds no history, and learns that.
        timer_.cancel();
        while (!unwatched_.empty()) {
            erase(unwatched_.front());
        }
    }
}

void EventTopics::erase_ended() noexcept {
    // The list may be empty afterwards, or another timer be set since this one's event was sent.
    timer_.cancel();
    ends_.stop_all();
    while (!unwatched_.empty() && unwatched_.front().end_ <= scheduler().now()) {
        erase(unwatched_.front());
    }
    if (!unwatched_.empty()) {
        set_timer();
    }
}

}  // namespace weir
