#include "modules/rules/condition.h"

#include <algorithm>

#include <re2/re2.h>

#include "config/text/quoted.h"

namespace weir::rules {

namespace {

// Less than 0, 0 or more than 0; nothing if the two cannot be compared.
std::optional<int> compare(const Json& left, const Json& right) {
    const bool comparable =
        (left.is_number() && right.is_number()) || (left.is_string() && right.is_string());
    if (!comparable) {
        return std::nullopt;
    }
    return left < right ? -1 : right < left ? 1 : 0;
}

const char* word(Condition::Operator what) noexcept {
    using enum Condition::Operator;
    switch (what) {
        case is:
            return "";
        case is_not:
            return "not ";
        case above:
            return "above ";
        case below:
            return "below ";
        case at_least:
            return "at least ";
        case at_most:
            return "at most ";
        case one_of:
            return "one of ";
        case matches:
            return "a text that matches ";
        case exists:
            return "";
    }
    return "";
}

bool passes(const Condition::Test& test, const Json* value, const Frame& frame) {
    using enum Condition::Operator;
    const Json operand = test.operand.make(frame);
    if (test.what == exists) {
        return (value != nullptr && !value->is_null()) == operand.get<bool>();
    }
    if (test.what == is_not) {
        return value == nullptr || *value != operand;
    }
    if (value == nullptr) {
        return false;
    }
    const std::optional<int> order = compare(*value, operand);
    switch (test.what) {
        case is:
            return *value == operand;
        case above:
            return order && *order > 0;
        case below:
            return order && *order < 0;
        case at_least:
            return order && *order >= 0;
        case at_most:
            return order && *order <= 0;
        case one_of:
            return std::ranges::find(operand, *value) != operand.end();
        case matches:
            return value->is_string() &&
                   re2::RE2::PartialMatch(value->get_ref<const std::string&>(), *test.pattern);
        default:
            return false;
    }
}

std::string written(const Template& value) {
    if (const Reference* reference = value.reference()) {
        return reference->text;
    }
    const Json* const constant = value.constant();
    return constant == nullptr ? "a value" : config::printable(constant->dump(), 200);
}

std::string describe_test(const Condition::Test& test) {
    if (test.what == Condition::Operator::exists) {
        return *test.operand.constant() == true ? "there" : "missing";
    }
    return word(test.what) + written(test.operand);
}

std::string joined_conditions(const std::vector<Condition>& conditions, const char* between) {
    std::string text;
    for (const Condition& condition : conditions) {
        text += (text.empty() ? "" : between) + condition.describe();
    }
    return text;
}

}  // namespace

bool Condition::holds(const Frame& frame) const {
    if (subject) {
        // A whole reference needs no copy, and may have no value.
        const Reference* const reference = subject->reference();
        const Json made = reference == nullptr ? subject->make(frame) : Json();
        const Json* const value = reference == nullptr ? &made : reference->find(frame);
        for (const Test& test : tests) {
            if (!passes(test, value, frame)) {
                return false;
            }
        }
    }
    const auto holds_now = [&frame](const Condition& part) { return part.holds(frame); };
    return std::ranges::all_of(all, holds_now) &&
           (any.empty() || std::ranges::any_of(any, holds_now)) &&
           std::ranges::none_of(none, holds_now);
}

bool Condition::known(const Frame& frame) const {
    const auto is_known = [&frame](const Condition& part) { return part.known(frame); };
    return (!subject || subject->known(frame)) &&
           std::ranges::all_of(tests,
                               [&](const Test& test) { return test.operand.known(frame); }) &&
           std::ranges::all_of(all, is_known) && std::ranges::all_of(any, is_known) &&
           std::ranges::all_of(none, is_known);
}

std::string Condition::why_not(const Frame& frame) const {
    if (subject) {
        const Reference* const reference = subject->reference();
        const Json made = reference == nullptr ? subject->make(frame) : Json();
        const Json* const value = reference == nullptr ? &made : reference->find(frame);
        for (const Test& test : tests) {
            if (!passes(test, value, frame)) {
                return written(*subject) + " is " +
                       (value == nullptr ? "missing" : config::printable(value->dump(), 200)) +
                       ", not " + describe_test(test);
            }
        }
    }
    for (const Condition& part : all) {
        if (!part.holds(frame)) {
            return part.why_not(frame);
        }
    }
    for (const Condition& part : none) {
        if (part.holds(frame)) {
            return "it holds that " + part.describe();
        }
    }
    return "none of these holds: " + joined_conditions(any, "; ");
}

std::string Condition::describe() const {
    std::string text;
    const auto add = [&text](const std::string& part) {
        text += (text.empty() ? "" : " and ") + part;
    };
    for (const Test& test : tests) {
        add(written(*subject) + " is " + describe_test(test));
    }
    if (!all.empty()) {
        add(joined_conditions(all, " and "));
    }
    if (!any.empty()) {
        add("(" + joined_conditions(any, " or ") + ")");
    }
    if (!none.empty()) {
        add("not (" + joined_conditions(none, " or ") + ")");
    }
    return text;
}

}  // namespace weir::rules
