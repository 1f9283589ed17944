#include "config/checked_type.h"

#include "config/scalar_type.h"

namespace weir::config {

namespace {

constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

}  // namespace

std::string length_text(const Length& length, const Countable& countable) {
    const std::string range = range_text(length.low > 0 ? std::to_string(length.low) : "",
                                         length.high < unlimited ? std::to_string(length.high) : "");
    return range + " " + countable.noun;
}

void add_length(Value& schema, const Length& length, const Countable& countable) {
    if (length.low > 0) schema.add(std::string("min") + countable.keyword, length.low);
    if (length.high < unlimited) schema.add(std::string("max") + countable.keyword, length.high);
}

}  // namespace weir::config
