#pragma once

#include <string>
#include <vector>

#include "core/event/event.h"
#include "core/queue/queue.h"

/// Events for the tests of queues, and common operations.
namespace weir::queue_test {

struct Job : Event {
    Index<std::string> kind;
    Index<int> number;
    int id = 0;
    int priority = 0;

    static auto declare() {
        return declare_event<Job>("test.Job")
            .index("kind", &Job::kind)
            .index("number", &Job::number)
            .member<&Job::priority>("priority");
    }
};

/// Has neither a number nor a priority.
struct PlainJob : Event {
    Index<std::string> kind;
    int id = 0;

    static auto declare() {
        return declare_event<PlainJob>("test.PlainJob").index("kind", &PlainJob::kind);
    }
};

using Ids = std::vector<int>;

inline Matcher jobs(const std::string& kind) {
    return match<Job>(kind).make();
}

inline Ref<Job> job(const std::string& kind, int number, int id, int priority = 0) {
    return make_event<Job>(kind, number, id, priority);
}

inline int id_of(const Event& event) {
    return event.is<Job>() ? event.as<Job>().id : event.as<PlainJob>().id;
}

inline Ref<Queue> make_root(QueueOptions options = {}) {
    return Ref<Queue>(new Queue(std::move(options)));
}

/// Pops one event, or all events that can leave. Returns their ids.
inline int pop(Queue& queue, QueueSignals& signals) {
    return id_of(*queue.pop(signals));
}
inline int pop(Queue& queue) {
    QueueSignals signals;
    return pop(queue, signals);
}
inline Ids pop_all(Queue& queue) {
    Ids ids;
    while (queue.can_pop()) {
        ids.push_back(pop(queue));
    }
    return ids;
}

/// Appends the event. Returns whether the queue had capacity.
inline bool append(Queue& queue, const Ref<Event>& event, bool force = false) {
    return !queue.append(*event, force);
}

/// Returns whether one of the signals wakes a sender, or a routine that waits for an empty queue.
inline bool wakes(const QueueSignals& signals, const Matcher& waiting) {
    const auto matches = [&](const Ref<Event>& signal) {
        return waiting.matches_path(*signal) && waiting.judge(*signal);
    };
    for (const auto& signal : signals.can_write) {
        if (matches(signal)) return true;
    }
    for (const auto& signal : signals.empty) {
        if (matches(signal)) return true;
    }
    return false;
}

}  // namespace weir::queue_test
