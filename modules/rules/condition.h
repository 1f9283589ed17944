#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "modules/rules/value.h"

namespace re2 {

class RE2;

}  // namespace re2

namespace weir::rules {

// A compiled condition: what ConditionSettings describe. Immutable.
struct Condition {
    enum class Operator {
        is,
        is_not,
        above,
        below,
        at_least,
        at_most,
        one_of,
        matches,
        exists,
    };
    struct Test {
        Operator what;
        Template operand;                              // a list for one_of, a boolean for exists
        std::shared_ptr<const re2::RE2> pattern = {};  // of matches; shared by copies
    };

    std::optional<Template> subject;  // what the tests look at
    std::vector<Test> tests;
    std::vector<Condition> all;
    std::vector<Condition> any;
    std::vector<Condition> none;

    // Returns whether it holds. A value that is missing, or of another kind than that with which it
    // is compared, is neither equal nor above nor below.
    bool holds(const Frame& frame) const;
    // Returns whether all values on which it depends are known.
    bool known(const Frame& frame) const;
    // Returns why it does not hold, for people: "event.amount is 7, not above 100". Requires that
    // it does not hold.
    std::string why_not(const Frame& frame) const;
    // Returns it for people: "event.amount is above 100".
    std::string describe() const;
};

}  // namespace weir::rules
