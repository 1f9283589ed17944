#include "modules/manager/routine_json.h"

#include <chrono>

namespace weir {

const char* to_string(RoutineInfo::State state) noexcept {
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

std::string started_at(const RoutineInfo& routine) {
    return std::string(routine.started_at.file_name()) + ':' +
           std::to_string(routine.started_at.line());
}

Json routine_json(const RoutineInfo& routine, const std::string& module, Time now) {
    Json result = {{"name", routine.name},
                   {"module", module},
                   {"started_at", started_at(routine)},
                   {"state", to_string(routine.state)},
                   {"timers", routine.timers},
                   {"memory", routine.memory}};
    if (routine.state == RoutineInfo::State::waiting) {
        result["waits_for"] = routine.waits_for;
        result["seconds"] = std::chrono::duration<double>(now - routine.since).count();
    }
    return result;
}

}  // namespace weir
