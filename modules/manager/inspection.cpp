#include "modules/manager/inspection.h"

#include <chrono>
#include <map>
#include <string>

#include <unistd.h>

#include "core/insight.h"

namespace weir {

namespace {

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

Json limit(std::size_t limit) {
    return limit == unlimited ? Json() : Json(limit);
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
                   {"timers", routine.timers}};
    if (routine.state == RoutineInfo::State::waiting) {
        result["waits_for"] = routine.waits_for;
        result["seconds"] = seconds(now - routine.since);
    }
    return result;
}

Json to_json(const QueueInfo& queue) {
    Json subqueues = Json::array();
    for (const QueueInfo& subqueue : queue.subqueues) {
        subqueues.push_back(to_json(subqueue));
    }
    return {{"name", queue.name},
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
}

struct Owned {
    std::size_t routines = 0;
    std::size_t timers = 0;
};

Json to_json(const ModuleInfo& module, const Owned& owned, Time now) {
    return {{"name", module.name},
            {"state", to_string(module.state)},
            {"reason", module.reason},
            {"seconds", seconds(now - module.since)},
            {"dependencies", module.dependencies},
            {"users", module.users},
            {"leaving", module.leaving},
            {"routines", owned.routines},
            {"timers", owned.timers}};
}

}  // namespace

Json inspection(Server& server) {
    const Snapshot now = snapshot(server.scheduler());
    std::map<std::string, Owned> owned;
    Json routines = Json::array();
    for (const RoutineInfo& routine : now.routines) {
        const std::string module = server.loader().module_of(routine);
        routines.push_back(to_json(routine, module, now.time));
        ++owned[module].routines;
        owned[module].timers += routine.timers;
    }
    Json modules = Json::array();
    for (const ModuleInfo& module : server.loader().modules()) {
        modules.push_back(to_json(module, owned[module.name], now.time));
    }
    Json handlers = Json::array();
    for (const HandlerInfo& handler : now.handlers) {
        handlers.push_back({{"daemon", handler.daemon}, {"handles", handler.handles}});
    }
    Json timers = Json::array();
    for (const TimerInfo& timer : now.timers) {
        timers.push_back(
            {{"due_in", seconds(timer.due - now.time)}, {"interval", seconds(timer.interval)}});
    }
    Json blocked = Json::array();
    for (const BlockedEventInfo& event : now.blocked_events) {
        blocked.push_back({{"event", event.event}, {"queue", event.queue}});
    }
    return {{"process", getpid()},
            {"quitting", now.quitting},
            {"modules", std::move(modules)},
            {"routines", std::move(routines)},
            {"handlers", std::move(handlers)},
            {"timers", std::move(timers)},
            {"queue", to_json(now.queue)},
            {"blocked_events", std::move(blocked)}};
}

}  // namespace weir
