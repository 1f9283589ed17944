#include "modules/rules/settings.h"

#include "modules/system/log/settings.h"

namespace weir::rules {

using config::setting;
using config::settings;
using std::chrono::hours;
using std::chrono::milliseconds;

config::Settings<EventSettings> EventSettings::describe() {
    using S = EventSettings;
    return settings<S>(
        "Events of a type",
        setting("event", &S::event, "The type of the events").not_empty().required(),
        setting("where", &S::where, "Values that indices and members of the events must have"));
}

config::Settings<ConditionSettings> ConditionSettings::describe() {
    using S = ConditionSettings;
    return settings<S>(
        "A condition: all that it gives must hold",
        setting("member", &S::member, "The member of the rule's event that is looked at")
            .not_empty(),
        setting("value", &S::value, "The value that is looked at, if it is no member"),
        setting("is", &S::is, "It is equal to this"),
        setting("is_not", &S::is_not, "It is not equal to this"),
        setting("above", &S::above, "It is larger, or a text that comes later"),
        setting("below", &S::below, "It is smaller, or a text that comes earlier"),
        setting("at_least", &S::at_least, "It is this or above"),
        setting("at_most", &S::at_most, "It is this or below"),
        setting("one_of", &S::one_of, "It is equal to one of these").not_empty(),
        setting("matches", &S::matches,
                "It is a text in which this regular expression (RE2) is found"),
        setting("exists", &S::exists, "Whether there is such a value, and it is not null"),
        setting("all", &S::all, "All of these conditions hold"),
        setting("any", &S::any, "At least one of these conditions holds"),
        setting("none", &S::none, "None of these conditions holds"));
}

config::Settings<StepSettings> StepSettings::describe() {
    using S = StepSettings;
    return settings<S>(
        "A step: one of call, send, wait, if, each, lock, sleep, log, set, script, fail, and what "
        "belongs to it",
        setting("call", &S::call,
                "Call the function \"module.function\"; its result is the step's"),
        setting("send", &S::send, "Send an event of this type"),
        setting("with", &S::with, "Parameters of the function, or members of the event"),
        setting("wait", &S::wait, "Wait for an event of this type; it is the step's result"),
        setting("if", &S::condition, "Do `then` if this holds, else `else`"),
        setting("then", &S::then, "Steps if the condition holds"),
        setting("else", &S::otherwise, "Steps if it does not"),
        setting("each", &S::each,
                "Repeat `do` for each element of this list; `as` names the element, else it is "
                "`item`"),
        setting("do", &S::steps, "Steps that are repeated, or done while the lock is held"),
        setting("lock", &S::lock,
                "Do `do` while holding the lock of this key, or a slot of its semaphore if the "
                "settings of the module lock give it one; `as` names the fencing token")
            .not_empty(),
        setting("context", &S::context, "Context of the lock's key").not_empty(),
        setting("if_held", &S::if_held,
                "What to do when the lock is not free: wait, or fail with the code `locked`"),
        setting("sleep", &S::sleep, "Wait for so long"),
        setting("log", &S::log, "Write a line to the log"),
        setting("level", &S::level, "Of that line"),
        setting("set", &S::set, "A value; `as` names it"),
        setting("script", &S::script,
                "A script in Lua, or a list of its lines: computes a value from the named ones; "
                "`as` names what it returns"),
        setting("fail", &S::fail, "Fail with this message"),
        setting("as", &S::as, "The name by which later steps refer to the result"),
        setting("timeout", &S::timeout,
                "How long the step may take, each time; null: a call or send 2m, others any time")
            .at_least(milliseconds(1)),
        setting("retry", &S::retry, "How it is tried again if it fails; null: it is not"),
        setting("on_error", &S::on_error,
                "Steps if it fails in the end, after which the rule goes on; `error.code`, "
                "`error.message` and `error.step` say why"));
}

config::Settings<PaceSettings> PaceSettings::describe() {
    using S = PaceSettings;
    return settings<S>(
        "A time, for all events or for those of each value by itself",
        setting("time", &S::time, "How long").range(milliseconds(1), hours(24 * 366)).required(),
        setting("by", &S::by,
                "A text, as \"{{event.room}}\": events for which it is different do not affect "
                "each other"));
}

config::Settings<RuleSettings> RuleSettings::describe() {
    using S = RuleSettings;
    return settings<S>(
        "A rule: on an event, if a condition holds, do steps",
        setting("description", &S::description, "What it is for"),
        setting("on", &S::on,
                "What it is about: the name of an event type, a type with values, or \"start\": "
                "once, when all modules of server.startup have started")
            .required(),
        setting("if", &S::condition, "Only if this holds"),
        setting("do", &S::steps, "What to do, one step after the other").not_empty().required(),
        setting("at_once", &S::at_once, "How often it may run at a time").range(1, 100'000),
        setting("waiting", &S::waiting,
                "How many events may wait because it runs as often as it may")
            .range(1, 1'000'000)
            .unit("events"),
        setting("when_full", &S::when_full,
                "What happens if more come: the senders of such events wait, or the event that "
                "has waited longest is dropped, and counted"),
        setting("priority", &S::priority,
                "When its runs begin, among all events of the server: those of a larger one go "
                "first")
            .range(0, 10'000),
        setting("fair_by", &S::fair_by,
                "A text, as \"{{event.customer}}\": waiting events for which it is different take "
                "turns"),
        setting("debounce", &S::debounce,
                "Fire when no such event has come for this time, for the last one"),
        setting("throttle", &S::throttle,
                "Fire at most once in this time; of the events in between, for the last one"),
        setting("once", &S::once,
                "Fire for the first event, and not for those of the same value within this time"));
}

config::Settings<RulesSettings> RulesSettings::describe() {
    using S = RulesSettings;
    return settings<S>(
        "Reacts to events by calls and events", setting("rules", &S::rules, "The rules, by name"),
        setting("max_keys", &S::max_keys,
                "How many values each `debounce`, `throttle` and `once` remembers; the oldest is "
                "forgotten for a new one")
            .range(1, 10'000'000)
            .unit("values"),
        setting("script", &S::script, "What one run of a `script` step may use"));
}

config::Settings<ScriptSettings> ScriptSettings::describe() {
    using S = ScriptSettings;
    return settings<S>(
        "What one run of a script may use",
        setting("instructions", &S::instructions, "Instructions of Lua, and work of its functions")
            .range(1000, 1'000'000'000),
        setting("memory", &S::memory, "Memory, with the script's own code")
            .range(config::kibibytes(64), config::mebibytes(1024)),
        setting("time", &S::time, "Time of the processor, should that not be enough to stop it")
            .range(milliseconds(1), std::chrono::seconds(10)));
}

}  // namespace weir::rules
