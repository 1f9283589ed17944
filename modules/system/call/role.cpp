#include "modules/system/call/role.h"

#include <algorithm>
#include <stdexcept>

#include "config/text/quoted.h"

namespace weir {

namespace {

constexpr std::string_view reading = "@reading";

// What is wrong with a pattern of rights; "" if nothing is.
std::string wrong_pattern(const std::string& pattern) {
    if (pattern == "*" || pattern == reading) {
        return {};
    }
    const std::size_t dot = pattern.find('.');
    const bool is_pair = dot != std::string::npos && dot != 0 && dot + 1 != pattern.size() &&
                         pattern.find('.', dot + 1) == std::string::npos;
    return is_pair ? "" : "'" + config::printable(pattern, 100) + "' names no function";
}

std::string wrong_patterns(const std::vector<std::string>& patterns) {
    for (const std::string& pattern : patterns) {
        if (std::string wrong = wrong_pattern(pattern); !wrong.empty()) {
            return "has a wrong pattern: " + wrong +
                   "; expected module.function, as lock.* or bakery.order, or @reading, or *";
        }
        if (pattern.size() > Glob::longest) {
            return "has a pattern of more than " + std::to_string(Glob::longest) + " bytes";
        }
    }
    return {};
}

std::string too_long(const std::vector<std::string>& patterns) {
    const bool any = std::ranges::any_of(
        patterns, [](const std::string& pattern) { return pattern.size() > Glob::longest; });
    return any ? "has a pattern of more than " + std::to_string(Glob::longest) + " bytes" : "";
}

bool any_matches(const std::vector<Glob>& patterns, std::string_view text) noexcept {
    return std::ranges::any_of(patterns,
                               [text](const Glob& pattern) { return pattern.matches(text); });
}

}  // namespace

std::string Right::text() const {
    return std::string(module) + "." + std::string(function);
}

config::Settings<RoleSettings> RoleSettings::describe() {
    using namespace config;
    using S = RoleSettings;
    return settings<S>(
        "What callers with a role may do",
        setting("may", &S::may,
                "Functions of modules: module.function with * and ?, as lock.* or bakery.order; "
                "@reading: all that change nothing; *: all")
            .check(wrong_patterns),
        setting("keys", &S::keys, "Of which locks, by their keys, with * and ?").check(too_long),
        setting("contexts", &S::contexts, "Of which locks, by their contexts, with * and ?")
            .check(too_long));
}

std::map<std::string, RoleSettings> built_in_roles() {
    std::map<std::string, RoleSettings> roles;
    roles["admin"].may = {"*"};
    roles["guest"].may = {std::string(reading),    "lock.acquire",          "lock.try",
                          "lock.release",          "lock.open_session",     "lock.renew_session",
                          "lock.close_session",    "lock.create_semaphore", "lock.resize_semaphore",
                          "lock.destroy_semaphore"};
    return roles;
}

Role::Role(const RoleSettings& settings)
    : keys_(settings.keys.begin(), settings.keys.end()),
      contexts_(settings.contexts.begin(), settings.contexts.end()) {
    for (const std::string& pattern : settings.may) {
        if (std::string wrong = wrong_pattern(pattern); !wrong.empty()) {
            throw std::invalid_argument(wrong);
        }
        all_ = all_ || pattern == "*";
        reading_ = reading_ || pattern == reading;
        if (const std::size_t dot = pattern.find('.'); dot != std::string::npos) {
            functions_.push_back({Glob(pattern.substr(0, dot)), Glob(pattern.substr(dot + 1))});
        }
    }
}

bool Role::allows(const Right& right) const noexcept {
    return all_ || (reading_ && right.reads) ||
           std::ranges::any_of(functions_, [&right](const Functions& allowed) {
               return allowed.module.matches(right.module) &&
                      allowed.function.matches(right.function);
           });
}

bool Role::allows(const Right& right, const LockName& lock) const noexcept {
    return allows(right) && any_matches(keys_, lock.key) && any_matches(contexts_, lock.context);
}

}  // namespace weir
