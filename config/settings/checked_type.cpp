#include "config/settings/checked_type.h"

#include <string_view>
#include <utility>

#include "config/settings/scalar_type.h"
#include "config/settings/schema_writer.h"

namespace weir::config {

namespace {

constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

}  // namespace

std::string length_text(const Length& length, const Countable& countable) {
    if (length.low == 1 && length.high == unlimited) return "not empty";
    const std::string range =
        range_text(length.low > 0 ? std::to_string(length.low) : "",
                   length.high < unlimited ? std::to_string(length.high) : "");
    return range + " " + (length.high == 1 ? countable.one : countable.many);
}

std::string wrong_length(std::size_t actual, const Length& length, const Countable& countable) {
    if (actual == 0 && length.low == 1) return "must not be empty";
    return "has " + std::to_string(actual) + " " + (actual == 1 ? countable.one : countable.many) +
           ", expected " + length_text(length, countable);
}

void add_length(Value& schema, const Length& length, const Countable& countable) {
    Value limits = Value::object();
    if (length.low > 0) limits.add(std::string("min") + countable.keyword, length.low);
    if (length.high < unlimited) limits.add(std::string("max") + countable.keyword, length.high);
    const bool is_string = std::string_view(countable.keyword) == "Length";
    if (!is_string || (length.low <= 1 && length.high == unlimited)) {
        for (Member& limit : *limits.get<Value::Object>()) {
            schema.add(limit.name, std::move(limit.value));
        }
        return;
    }
    // The length of a reference's replacement is unknown.
    Value reference = Value::object().add("pattern", text_with_reference_pattern);
    schema.add("anyOf", Value::list().add(std::move(limits)).add(std::move(reference)));
}

}  // namespace weir::config
