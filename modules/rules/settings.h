#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/settings/settings.h"
#include "core/base/log.h"
#include "modules/rules/script.h"
#include "modules/system/call/retry_settings.h"

// The settings at module.rules, as an app file has them. compile() makes programs of them.
namespace weir::rules {

// Events of a type, with values that some of their members must have.
struct EventSettings {
    std::string event;
    std::map<std::string, config::Value> where;

    static config::Settings<EventSettings> describe();
};

// Either the name of an event type, or "start", or a type with values.
using TriggerSettings = std::variant<std::string, EventSettings>;

// A condition: all that it gives must hold.
struct ConditionSettings {
    std::optional<std::string> member;
    std::optional<config::Value> value;
    std::optional<config::Value> is;
    std::optional<config::Value> is_not;
    std::optional<config::Value> above;
    std::optional<config::Value> below;
    std::optional<config::Value> at_least;
    std::optional<config::Value> at_most;
    std::optional<std::vector<config::Value>> one_of;
    std::optional<std::string> matches;
    std::optional<bool> exists;
    std::vector<ConditionSettings> all;
    std::vector<ConditionSettings> any;
    std::vector<ConditionSettings> none;

    static config::Settings<ConditionSettings> describe();
};

// A script in Lua, or its lines.
using ScriptText = std::variant<std::string, std::vector<std::string>>;

// What a step does whose lock is held already.
enum class IfHeld { wait, fail };

inline config::EnumNames<IfHeld> names_of(IfHeld) {
    return {{"wait", IfHeld::wait}, {"fail", IfHeld::fail}};
}

struct StepSettings {
    // What it does: one of these, with what belongs to it.
    std::optional<std::string> call;
    std::optional<std::string> send;
    std::map<std::string, config::Value> with;
    std::optional<TriggerSettings> wait;
    std::optional<ConditionSettings> condition;
    std::vector<StepSettings> then;
    std::vector<StepSettings> otherwise;
    std::optional<config::Value> each;
    std::vector<StepSettings> steps;
    std::optional<std::string> lock;
    std::string context = "default";
    IfHeld if_held = IfHeld::wait;
    std::optional<std::chrono::milliseconds> sleep;
    std::optional<std::string> log;
    LogLevel level = LogLevel::info;
    std::optional<config::Value> set;
    std::optional<ScriptText> script;
    std::optional<std::string> fail;

    // What each may have.
    std::string as;
    std::optional<std::chrono::milliseconds> timeout;
    std::optional<RetrySettings> retry;
    std::vector<StepSettings> on_error;

    static config::Settings<StepSettings> describe();
};

// How often a rule fires; by the value of a text with references, if that is given.
struct PaceSettings {
    std::chrono::milliseconds time{};
    std::string by;

    static config::Settings<PaceSettings> describe();
};

// What happens to an event for which a rule has no room.
enum class WhenFull { wait, drop_oldest };

inline config::EnumNames<WhenFull> names_of(WhenFull) {
    return {{"wait", WhenFull::wait}, {"drop_oldest", WhenFull::drop_oldest}};
}

struct RuleSettings {
    std::string description;
    TriggerSettings on;
    std::optional<ConditionSettings> condition;
    std::vector<StepSettings> steps;
    std::uint32_t at_once = 100;
    std::uint32_t waiting = 1000;
    WhenFull when_full = WhenFull::wait;
    int priority = 400;
    std::string fair_by;
    std::optional<PaceSettings> debounce;
    std::optional<PaceSettings> throttle;
    std::optional<PaceSettings> once;

    static config::Settings<RuleSettings> describe();
};

struct RulesSettings {
    std::map<std::string, RuleSettings> rules;
    std::uint32_t max_keys = 100'000;
    ScriptSettings script;

    static config::Settings<RulesSettings> describe();
};

}  // namespace weir::rules
