#include "modules/manager/inspection.h"

#include <chrono>
#include <map>
#include <string>

#include <malloc.h>
#include <unistd.h>

#include "core/observe/process_memory.h"
#include "core/observe/snapshot.h"
#include "modules/manager/event_content.h"
#include "modules/system/call/json.h"
#include "modules/system/server/loader.h"

namespace weir {

namespace {

// Each lock that is held is one. Nobody reads a list of them all, and nothing else runs meanwhile.
constexpr std::size_t most_blocked = 1000;
constexpr std::size_t most_of_queue = 10;

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

const char* to_string(RoutineInfo::State state) {
    switch (state) {
        case RoutineInfo::State::about_to_start:
            return "about to start";
        case RoutineInfo::State::running:
            return "running";
        case RoutineInfo::State::waiting:
            break;
    }
    return "waiting";
}

Json to_json(const RoutineInfo& routine, const std::string& module, Time now) {
    Json result = {{"name", routine.name},
                   {"module", module},
                   {"started_at", std::string(routine.started_at.file_name()) + ':' +
                                      std::to_string(routine.started_at.line())},
                   {"daemon", routine.daemon},
                   {"state", to_string(routine.state)},
                   {"timers", routine.timers},
                   {"memory", routine.memory}};
    if (routine.state == RoutineInfo::State::waiting) {
        result["waits_for"] = routine.waits_for;
        result["seconds"] = seconds(now - routine.since);
    }
    return result;
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
    Inspection(Server& server, const InspectParameters& parts, const Caller& client)
        : server_(server),
          parts_(parts),
          now_(snapshot(server.scheduler(), 0)),
          contents_(client) {}

    Json make() {
        Json routines = list_routines();
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
            result["routines"] = std::move(routines);
            result["handlers"] = list_handlers();
            result["timers"] = list_timers();
        }
        if (parts_.queues) {
            result["queue"] = std::move(queue);
            result["blocked_events"] = list_blocked();
        }
        return result;
    }

private:
    Json list_routines() {
        Json list = Json::array();
        for (const RoutineInfo& routine : now_.routines) {
            const std::string module = server_.loader().module_of(routine);
            if (parts_.routines) {
                list.push_back(to_json(routine, module, now_.time));
            }
            Owned& owned = owned_[module];
            ++owned.routines;
            owned.timers += routine.timers;
            owned.memory += routine.memory;
        }
        return list;
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

    Json list_handlers() const {
        Json list = Json::array();
        for (const HandlerInfo& handler : now_.handlers) {
            list.push_back({{"daemon", handler.daemon}, {"handles", handler.handles}});
        }
        return list;
    }

    Json list_timers() const {
        Json list = Json::array();
        for (const TimerInfo& timer : now_.timers) {
            list.push_back({{"due_in", seconds(timer.due - now_.time)},
                            {"interval", seconds(timer.interval)}});
        }
        return list;
    }

    Json list_blocked() {
        Json list = Json::array();
        server_.scheduler().blocked_events().for_each([&](const Event& event) {
            if (list.size() == most_blocked) {
                return;
            }
            const LeafQueue* const leaf = event.blocks();
            list.push_back({{"event", event.describe()},
                            {"queue", leaf == nullptr ? "" : queue_path(leaf->queue())},
                            {"content", contents_.of(event)}});
        });
        return list;
    }

    Server& server_;
    const InspectParameters& parts_;
    const Snapshot now_;
    EventContents contents_;
    std::map<std::string, Owned> owned_;  // by module; "": no module's
};

}  // namespace

config::Settings<InspectParameters> InspectParameters::describe() {
    using P = InspectParameters;
    return config::settings<P>(
        "Tells all that is there now: modules, routines, timers, queues, blocked events, locks",
        config::setting("queues", &P::queues,
                        "Whether to list queues, and up to 1000 blocked events"),
        config::setting("routines", &P::routines, "Whether to list routines, handlers and timers"),
        config::setting("locks", &P::locks, "Whether to list locks"),
        config::setting("events", &P::events,
                        "Whether to list the first 10 events of each queue, too"));
}

Json inspection(Server& server, const InspectParameters& parts, const Caller& client) {
    return Inspection(server, parts, client).make();
}

}  // namespace weir
