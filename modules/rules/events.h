#pragma once

#include <cstdint>
#include <string>

#include "modules/system/event/describe_event.h"

namespace weir::rules {

// A run of a rule has failed for good: what a rule that is on this event may act upon.
struct RuleFailed : Event {
    Index<std::string> rule;
    std::string step;
    std::string code;
    std::string message;
    std::uint32_t attempts = 1;
    config::Value event;

    static auto declare() {
        return portable_event<RuleFailed>(
            "rules.Failed", "A run of a rule has failed for good",
            member("rule", &RuleFailed::rule, "Name of the rule"),
            member("step", &RuleFailed::step, "Where it has failed, as \"do[2].then[0]\""),
            member("code", &RuleFailed::code, "Why, for programs"),
            member("message", &RuleFailed::message, "Why, for people"),
            member("attempts", &RuleFailed::attempts, "How often the step was tried"),
            member("event", &RuleFailed::event,
                   "Members of the event on which the rule has run; null: it began by itself"));
    }
};

// What a RuleReady resumes.
class ReadyTarget {
public:
    virtual void ready() noexcept = 0;

protected:
    ~ReadyTarget() = default;
};

// A rule has an event that waits, and may begin to run: its queue decides when, by its priority.
struct RuleReady : Event {
    RuleReady(int level, ReadyTarget* rule) : priority(level), target(rule) {}

    Index<int> priority;
    ReadyTarget* target;  // null: the rule is gone

    void received() noexcept {
        if (target != nullptr) {
            target->ready();
        }
    }

    static auto declare() {
        return declare_event<RuleReady>("rules.Ready").index("priority", &RuleReady::priority);
    }
};

// Stands at the front of a queue that a rule holds back, and means nothing when it leaves.
struct QueueHeld : Event {
    static auto declare() { return declare_event<QueueHeld>("rules.QueueHeld"); }
};

}  // namespace weir::rules
