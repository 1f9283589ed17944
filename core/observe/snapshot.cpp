#include "core/observe/snapshot.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/base/pool.h"
#include "core/queue/queue_events.h"
#include "core/run/routine.h"
#include "core/run/scheduler.h"
#include "core/run/timer.h"

namespace weir {

namespace {

using Timers = std::unordered_set<const void*>;

// Counts the set timers that the routine waits for, or that end its wait.
std::size_t timers_of(const Routine& routine, const Timers& timers) {
    const std::string& type = event_type<TimerEvent>().name();
    std::size_t count = 0;
    for (const Subscription& subscription : routine.subscriptions()) {
        const auto path = subscription.matcher.path();
        if (path.size() > 1 && path[0].kind() == IndexValue::Kind::text && path[0].text() == type &&
            path[1].kind() == IndexValue::Kind::identity) {
            count += timers.count(path[1].identity());
        }
    }
    return count + timers.count(routine.wait());
}

std::size_t memory_of(const Routine& routine) {
    std::size_t memory = pool::size_of(&routine);
    for (const RoutineFrame& frame : routine.frames()) {
        memory += pool::size_of(frame.memory);
    }
    return memory;
}

RoutineInfo describe_routine(const Routine& routine, const Timers& timers, bool in_words) {
    RoutineInfo info;
    info.name = routine.name();
    info.started_at = routine.started_at();
    info.daemon = routine.daemon();
    info.container = routine.container();
    info.routine = &routine;
    info.timers = timers_of(routine, timers);
    info.memory = memory_of(routine);
    if (routine.about_to_start()) {
        info.state = RoutineInfo::State::about_to_start;
    } else if (routine.running() || routine.wait() == nullptr) {
        info.state = RoutineInfo::State::running;
    } else {
        info.state = RoutineInfo::State::waiting;
        if (in_words) {
            info.waits_for = routine.wait()->describe();
        }
        info.since = routine.waiting_since();
    }
    return info;
}

HandlerInfo describe_handler(const Subscriber& handler, bool in_words) {
    HandlerInfo info{.daemon = handler.daemon(), .handles = {}};
    if (in_words) {
        for (const Subscription& subscription : handler.subscriptions()) {
            info.handles.push_back(subscription.matcher.describe());
        }
    }
    return info;
}

struct Senders {
    std::size_t count = 0;
    std::vector<std::string> names;  // of the first
};

// What a queue itself does not know.
struct Around {
    std::unordered_map<const void*, Senders> senders;  // by what limits them
    std::unordered_map<const LeafQueue*, std::size_t> blocked;
};

// Registers the routine under each limit whose signal it waits for. Only senders wait for those.
void add_sender(Around& around, const Routine& routine, std::size_t most) {
    const std::string& signal = event_type<QueueCanWriteEvent>().name();
    for (const Matcher& matcher : routine.wait()->matchers()) {
        const auto path = matcher.path();
        if (path.size() > 1 && path[0].kind() == IndexValue::Kind::text &&
            path[0].text() == signal && path[1].kind() == IndexValue::Kind::identity) {
            Senders& senders = around.senders[path[1].identity()];
            if (++senders.count <= most) {
                senders.names.push_back(routine.describe());
            }
        }
    }
}

// The timers that are set, and the waits that they end.
Timers set_timers(const Scheduler& scheduler) {
    Timers timers;
    for (const TimerState* timer : scheduler.timers().timers()) {
        timers.insert(timer);
        if (timer->ends() != nullptr) {
            timers.insert(timer->ends());
        }
    }
    return timers;
}

// Calls visit(subscriber, routine) for all subscribers and routines, with null for what it is not.
// A routine in its first run has no subscription yet.
template <class Visit>
void visit_subscribers(Scheduler& scheduler, Visit visit) {
    const Routine* running = scheduler.current();
    for (const Subscriber& subscriber : scheduler.subscribers()) {
        const auto* routine = dynamic_cast<const Routine*>(&subscriber);
        visit(&subscriber, routine);
        if (routine == running) {
            running = nullptr;
        }
    }
    if (running != nullptr) {
        visit(nullptr, running);
    }
    for (const Ref<Routine>& routine : scheduler.ready()) {
        if (routine != nullptr && routine->about_to_start()) {
            visit(nullptr, routine.get());
        }
    }
}

QueueInfo describe_queue(Queue& queue, const Around& around) {
    LeafQueue& leaf = queue.default_queue();
    QueueInfo info;
    info.name = queue.name();
    info.matcher = queue.parent() == nullptr ? "anything" : queue.matcher().describe();
    info.priority = queue.priority();
    info.size = queue.size();
    info.max_total = queue.max_total();
    info.kind = leaf.kind();
    info.default_priority = queue.default_priority();
    info.default_size = leaf.size();
    info.max_default = leaf.max_size();
    info.popped = queue.popped();
    info.queue = &queue;
    if (const auto found = around.blocked.find(&leaf); found != around.blocked.end()) {
        info.blocked = found->second;
    }
    for (Limited* limit : {static_cast<Limited*>(&queue), static_cast<Limited*>(&leaf)}) {
        const auto found = around.senders.find(limit);
        if (found != around.senders.end()) {
            const Senders& senders = found->second;
            info.waiting_senders += senders.count;
            info.senders.insert(info.senders.end(), senders.names.begin(), senders.names.end());
        }
    }
    for (const Ref<Queue>& subqueue : queue.subqueues()) {
        info.subqueues.push_back(describe_queue(*subqueue, around));
    }
    return info;
}

}  // namespace

std::string queue_path(const Queue& queue) {
    if (queue.parent() == nullptr) {
        return queue.name().empty() ? "root" : queue.name();
    }
    return queue_path(*queue.parent()) + '/' +
           (queue.name().empty() ? queue.matcher().describe() : queue.name());
}

std::vector<RoutineInfo> list_routines(Scheduler& scheduler, std::size_t most) {
    std::vector<RoutineInfo> routines;
    const Timers timers = set_timers(scheduler);
    visit_subscribers(scheduler, [&](const Subscriber* /*subscriber*/, const Routine* routine) {
        if (routine != nullptr) {
            routines.push_back(describe_routine(*routine, timers, routines.size() < most));
        }
    });
    return routines;
}

Snapshot snapshot(Scheduler& scheduler, std::size_t most) {
    Snapshot result;
    Around around;
    result.time = scheduler.now();
    result.quitting = scheduler.quitting();
    for (const TimerState* timer : scheduler.timers().timers()) {
        result.timers.push_back({timer->due(), timer->interval()});
    }
    const Timers timers = set_timers(scheduler);
    visit_subscribers(scheduler, [&](const Subscriber* subscriber, const Routine* routine) {
        if (routine == nullptr) {
            result.handlers.push_back(describe_handler(*subscriber, result.handlers.size() < most));
            return;
        }
        result.routines.push_back(
            describe_routine(*routine, timers, result.routines.size() < most));
        if (subscriber != nullptr && routine->wait() != nullptr) {
            add_sender(around, *routine, most);
        }
    });
    std::sort(result.timers.begin(), result.timers.end(),
              [](const TimerInfo& a, const TimerInfo& b) { return a.due < b.due; });
    scheduler.blocked_events().for_each([&](const Event& event) {
        const LeafQueue* leaf = event.blocks();
        ++result.blocked;
        ++around.blocked[leaf];
        if (result.blocked <= most) {
            result.blocked_events.push_back(
                {event.describe(), leaf == nullptr ? std::string() : queue_path(leaf->queue())});
        }
    });
    result.queue = describe_queue(scheduler.queue(), around);
    return result;
}

}  // namespace weir
