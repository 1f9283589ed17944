#include "modules/limit/plugin/settings.h"

#include <algorithm>

namespace weir::limit {

using config::setting;
using config::settings;
using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

constexpr double most_tokens = 1e9;

std::string wrong_pattern(const std::string& pattern) {
    return pattern.size() > Glob::longest
               ? "has more than " + std::to_string(Glob::longest) + " bytes"
               : "";
}

// Returns what is wrong with the limits; "" if nothing is.
std::string wrong_limits(const std::map<std::string, LimitSettings>& limits) {
    std::string wrong;
    for (const auto& [name, limit] : limits) {
        if (limit.rate == 0 && limit.at_once == 0 && limit.in_all == 0 &&
            limit.exceptions.empty()) {
            wrong += (wrong.empty() ? "'" : "; '") + name +
                     "' limits nothing: it needs one of rate, at_once, in_all and exceptions";
        }
    }
    return wrong;
}

// Without a burst, as many as come in the time of the rate, and one at least.
KeyRules key_rules(double rate, milliseconds per, std::optional<double> burst,
                   std::uint32_t at_once) {
    KeyRules rules;
    rules.per_second = rate / std::chrono::duration<double>(per).count();
    rules.burst = std::max(burst.value_or(rate), 1.0);
    rules.at_once = at_once;
    return rules;
}

}  // namespace

config::Settings<ExceptionSettings> ExceptionSettings::describe() {
    using S = ExceptionSettings;
    return settings<S>(
        "Keys to which other numbers apply",
        setting("keys", &S::keys, "Which keys: `*` stands for any text, `?` for one character")
            .not_empty()
            .check(wrong_pattern)
            .required(),
        setting("rate", &S::rate, "Tokens in the time of `per`; 0: any number; null: as all others")
            .range(0, most_tokens),
        setting("burst", &S::burst, "Tokens that come together; null: as many as `rate`")
            .range(1, most_tokens),
        setting("at_once", &S::at_once, "Tickets at a time; 0: any number; null: as all others"));
}

config::Settings<LimitSettings> LimitSettings::describe() {
    using S = LimitSettings;
    return settings<S>(
        "How much each key may do", setting("description", &S::description, "What it limits"),
        setting("rate", &S::rate, "Tokens that a key gets in the time of `per`; 0: any number")
            .range(0, most_tokens),
        setting("per", &S::per, "The time in which these come")
            .range(milliseconds(1), hours(24 * 365)),
        setting("burst", &S::burst,
                "Tokens that a key may take together when it has taken none for a while; null: as "
                "many as `rate`")
            .range(1, most_tokens),
        setting("at_once", &S::at_once, "Tickets that a key has at a time; 0: any number"),
        setting("in_all", &S::in_all, "Tickets that all keys have at a time; 0: any number"),
        setting("exceptions", &S::exceptions,
                "Keys to which other numbers apply; the first that fits counts"),
        setting("wait", &S::wait, "How long callers wait that do not say; 0: they do not")
            .at_most(hours(24)),
        setting("waiting", &S::waiting, "How many wait for one key; a further one fails at once"),
        setting("waiting_in_all", &S::waiting_in_all, "How many wait for all keys together"),
        setting("max_keys", &S::max_keys,
                "How many keys are remembered: those in use, and those that are not as before")
            .at_least(1),
        setting("hold", &S::hold,
                "A ticket of a call is given back by itself after so long, in case its owner has "
                "gone")
            .range(milliseconds(1), hours(24 * 365)));
}

LimitRules LimitSettings::rules() const {
    LimitRules rules;
    rules.keys = key_rules(rate, per, burst, at_once);
    for (const ExceptionSettings& exception : exceptions) {
        rules.exceptions.emplace_back(
            Glob(exception.keys),
            key_rules(exception.rate.value_or(rate), per,
                      exception.burst || exception.rate ? exception.burst : burst,
                      exception.at_once.value_or(at_once)));
    }
    rules.in_all = in_all;
    rules.waiting = waiting;
    rules.waiting_in_all = waiting_in_all;
    rules.max_keys = max_keys;
    rules.wait = wait;
    return rules;
}

config::Settings<ModuleSettings> ModuleSettings::describe() {
    return settings<ModuleSettings>(
        "Limits how often, and how often at a time, something is done",
        setting("limits", &ModuleSettings::limits, "The limits, by name").check(wrong_limits));
}

}  // namespace weir::limit
