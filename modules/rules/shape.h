#pragma once

#include <string>

#include "config/settings/description.h"
#include "config/settings/type.h"
#include "modules/rules/value.h"
#include "modules/system/call/api_function.h"

namespace weir::rules {

// What is known of a value before it is there, as far as descriptions tell. Refers to them: valid
// during a check only.
struct Shape {
    // What JSON it may be: bits.
    enum Kind : unsigned {
        null = 1,
        boolean = 2,
        integer = 4,
        number = 8,
        string = 16,
        list = 32,
        object = 64,
        anything = 127,
    };

    unsigned kinds = anything;
    const config::Description* members = nullptr;   // if it is an object with known members
    const config::Description* elements = nullptr;  // if it is a list of such objects

    // Returns whether a value of this shape could be where `wanted` is expected.
    bool fits(const Shape& wanted) const noexcept;
    // Returns "an integer", "a string or null".
    std::string describe() const;
};

// Returns the shape of the values of a described type.
Shape shape_of(const config::Type& type);
Shape shape_of(const Json& value);
// Returns the shape of what a function returns.
Shape result_shape(const ApiFunction& function);
// Returns the shape of `error` in `on_error`: why a step has failed, as Run::do_step() tells it.
Shape shape_of_failure();

}  // namespace weir::rules
