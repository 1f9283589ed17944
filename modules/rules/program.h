#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "modules/rules/condition.h"
#include "modules/rules/script.h"
#include "modules/rules/settings.h"
#include "modules/rules/value.h"
#include "modules/system/call/api_name.h"

// What compile() makes of the settings of a rule, and a run of the rule carries out. Refers to
// nothing of other modules but names. Immutable.
namespace weir::rules {

// Events of a type, with values that some of their members must have.
struct EventChoice {
    std::string type;
    std::vector<std::pair<std::string, Template>> where;
};

struct Step;
using Steps = std::vector<Step>;

struct Step {
    enum class Kind { call, send, wait, branch, each, lock, sleep, log, set, script, fail };

    Kind kind = Kind::set;
    std::string place;  // "do[2].then[0]", for messages
    std::optional<std::size_t> result;
    std::optional<Duration> timeout;
    std::optional<RetrySettings> retry;
    Steps on_error;
    std::size_t error = 0;  // the slot of why it failed, for on_error

    ApiName function{"", ""};  // of call
    Template value;            // `with`; or what is set, logged, repeated over; the key
    EventChoice event;         // of send and wait
    std::optional<Condition> condition;
    Steps body;  // `then`, or `do`
    Steps otherwise;
    std::string context;  // of lock
    IfHeld if_held = IfHeld::wait;
    Duration time{};  // of sleep
    LogLevel level = LogLevel::info;
    std::shared_ptr<Script> script;   // shared by copies of the step
    std::vector<Script::Name> names;  // that the script knows
};

struct Pace {
    Duration time{};
    Template by;
};

// A whole rule.
struct Program {
    std::string name;
    bool on_start = false;
    EventChoice on;  // unless on_start
    std::optional<Condition> condition;
    Steps steps;
    std::size_t slots = 1;  // of a Frame
    bool uses_now = false;  // some value refers to the time at which a run began
    std::uint32_t at_once = 1;
    std::uint32_t waiting = 1;
    WhenFull when_full = WhenFull::wait;
    int priority = 0;
    std::optional<Template> fair_by;
    std::optional<Pace> debounce;
    std::optional<Pace> throttle;
    std::optional<Pace> once;
};

}  // namespace weir::rules
