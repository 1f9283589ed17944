#include "modules/manager/inspection.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <malloc.h>
#include <unistd.h>

#include "core/observe/process_memory.h"
#include "core/observe/snapshot.h"
#include "modules/manager/event_content.h"
#include "modules/manager/routine_json.h"
#include "modules/system/call/json.h"
#include "modules/system/call/long_turn.h"
#include "modules/system/server/loader.h"

namespace weir {

namespace {

constexpr std::size_t most_of_queue = 10;  // events

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

Json limit(std::size_t limit) {
    return limit == unlimited ? Json() : Json(limit);
}

// Returns how much memory the process has, and how much of that was allocated and not freed.
Json memory() {
    const struct mallinfo2 heap = mallinfo2();
    return {{"resident", process_memory().resident}, {"heap", heap.uordblks + heap.hblkhd}};
}

// What a module has.
struct Owned {
    std::size_t routines = 0;
    std::size_t timers = 0;
    std::size_t memory = 0;
    std::size_t queued = 0;
    std::size_t blocked = 0;
};

class Inspection {
public:
    Inspection(Server& server, const InspectParameters& parts, const Caller& client,
               Ref<LongWork> long_work)
        : server_(server),
          client_(client),
          long_work_(std::move(long_work)),
          parts_(parts),
          now_(snapshot(server.scheduler(), parts.most)),
          contents_(client) {}

    Task<Json> make() {
        // Asked before anything changes: what belongs to which module, and what events say.
        find_owners();
        read_blocked_events();
        Json queue = of_queue(now_.queue, "");
        Json result = {{"process", getpid()},
                       {"time", seconds(now_.time.time_since_epoch())},
                       {"quitting", now_.quitting},
                       {"memory", memory()},
                       {"dropped_log_lines", server_.dropped_log_lines()},
                       {"counts",
                        {{"routines", now_.routines.size()},
                         {"handlers", now_.handlers.size()},
                         {"timers", now_.timers.size()},
                         {"queued", now_.queue.size},
                         {"blocked", now_.blocked},
                         {"popped", now_.queue.popped}}},
                       {"modules", list_modules()}};
        if (parts_.routines) {
            result["routines"] = co_await list(now_.routines);
            result["handlers"] = co_await list(now_.handlers);
            result["timers"] = co_await list(now_.timers);
        }
        if (parts_.queues) {
            result["queue"] = std::move(queue);
            result["blocked_events"] = co_await list(now_.blocked_events);
        }
        co_return result;
    }

private:
    void find_owners() {
        for (const RoutineInfo& routine : now_.routines) {
            owners_.push_back(server_.loader().module_of(routine));
            Owned& owned = owned_[owners_.back()];
            ++owned.routines;
            owned.timers += routine.timers;
            owned.memory += routine.memory;
        }
    }

    // In the order of the snapshot.
    void read_blocked_events() {
        server_.scheduler().blocked_events().for_each([&](const Event& event) {
            if (parts_.queues && blocked_contents_.size() != now_.blocked_events.size()) {
                blocked_contents_.push_back(contents_.of(event));
            }
        });
    }

    template <class T>
    Task<Json> list(const std::vector<T>& items) const {
        Json list = Json::array();
        const std::size_t count = std::min<std::size_t>(items.size(), parts_.most);
        for (std::size_t i = 0; i != count; ++i) {
            if (i % LongWork::per_round == LongWork::per_round - 1) {
                co_await long_turn(long_work_, client_, LongWork::per_round, LongWork::Piece::next);
            }
            list.push_back(to_json(items[i], i));
        }
        co_return list;
    }

    Json to_json(const RoutineInfo& routine, std::size_t index) const {
        Json result = routine_json(routine, owners_[index], now_.time);
        result["daemon"] = routine.daemon;
        return result;
    }

    Json to_json(const HandlerInfo& handler, std::size_t /*index*/) const {
        return {{"daemon", handler.daemon}, {"handles", handler.handles}};
    }

    Json to_json(const TimerInfo& timer, std::size_t /*index*/) const {
        return {{"due_in", seconds(timer.due - now_.time)}, {"interval", seconds(timer.interval)}};
    }

    Json to_json(const BlockedEventInfo& event, std::size_t index) const {
        return {
            {"event", event.event}, {"queue", event.queue}, {"content", blocked_contents_[index]}};
    }

    // A queue within one of a module is the module's too.
    Json of_queue(const QueueInfo& queue, const std::string& above) {
        std::string module = server_.loader().module_of(*queue.queue);
        if (module.empty()) {
            module = above;
        }
        Owned& owned = owned_[module];
        owned.queued += queue.default_size;
        owned.blocked += queue.blocked;
        Json subqueues = Json::array();
        for (const QueueInfo& subqueue : queue.subqueues) {
            Json inner = of_queue(subqueue, module);
            if (parts_.queues) {
                subqueues.push_back(std::move(inner));
            }
        }
        if (!parts_.queues) {
            return {};
        }
        Json result = {{"name", queue.name},
                       {"module", module},
                       {"matcher", queue.matcher},
                       {"priority", queue.priority},
                       {"size", queue.size},
                       {"max_total", limit(queue.max_total)},
                       {"kind", queue.kind},
                       {"default_priority", queue.default_priority},
                       {"default_size", queue.default_size},
                       {"max_default", limit(queue.max_default)},
                       {"blocked", queue.blocked},
                       {"popped", queue.popped},
                       {"waiting_senders", queue.waiting_senders},
                       {"senders", queue.senders},
                       {"subqueues", std::move(subqueues)}};
        if (parts_.events) {
            result["events"] = list_events(queue.queue->default_queue());
        }
        return result;
    }

    // All events are visited: a kind of queue may have them anywhere.
    Json list_events(const LeafQueue& queue) {
        Json list = Json::array();
        queue.for_each([&](Event& event) {
            if (list.size() != most_of_queue) {
                list.push_back({{"event", event.describe()}, {"content", contents_.of(event)}});
            }
        });
        return list;
    }

    Json list_modules() {
        Json list = Json::array();
        for (const ModuleInfo& module : server_.loader().modules()) {
            const Owned& owned = owned_[module.name];
            list.push_back({{"name", module.name},
                            {"plugin", module.plugin},
                            {"state", to_string(module.state)},
                            {"reason", module.reason},
                            {"seconds", seconds(now_.time - module.since)},
                            {"dependencies", module.dependencies},
                            {"uses", module.uses},
                            {"users", module.users},
                            {"leaving", module.leaving},
                            {"calls", module.calls},
                            {"routines", owned.routines},
                            {"timers", owned.timers},
                            {"queued", owned.queued},
                            {"blocked", owned.blocked},
                            {"memory", owned.memory},
                            {"library", module.library}});
        }
        return list;
    }

    Server& server_;
    const Caller& client_;
    const Ref<LongWork> long_work_;
    const InspectParameters parts_;
    const Snapshot now_;
    EventContents contents_;
    std::vector<std::string> owners_;     // the module of each routine
    std::vector<Json> blocked_contents_;  // of each blocked event that is listed
    std::map<std::string, Owned> owned_;  // by module; "": no module's
};

}  // namespace

config::Settings<InspectParameters> InspectParameters::describe() {
    using P = InspectParameters;
    return config::settings<P>(
        "Tells all that is there now: modules, routines, timers, queues, blocked events, locks",
        config::setting("queues", &P::queues, "Whether to list queues, and blocked events"),
        config::setting("routines", &P::routines, "Whether to list routines, handlers and timers"),
        config::setting("locks", &P::locks, "Whether to list locks"),
        config::setting("most", &P::most,
                        "How many items a list may have; more than 1000 need the right "
                        "manager.inspect_all")
            .at_least(1),
        config::setting("events", &P::events,
                        "Whether to list the first 10 events of each queue, too"));
}

Task<Json> inspection(Server& server, InspectParameters parts, const Caller& client,
                      Ref<LongWork> long_work) {
    Inspection inspection(server, parts, client, std::move(long_work));
    co_return co_await inspection.make();
}

}  // namespace weir
