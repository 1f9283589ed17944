#include "config/text/position.h"

#include <tuple>

namespace weir::config {

namespace {

auto sort_key(const Position& position) {
    static const std::string none;
    const Source* source = position.source.get();
    return std::tuple<std::size_t, const std::string&, std::uint32_t, std::uint32_t>(
        source ? source->order : 0, source ? source->name : none, position.line, position.column);
}

}  // namespace

std::weak_ordering operator<=>(const Position& left, const Position& right) {
    return sort_key(left) <=> sort_key(right);
}

bool operator==(const Position& left, const Position& right) {
    return sort_key(left) == sort_key(right);
}

std::string to_text(const Position& position) {
    if (!position.source) return "";
    const Source& source = *position.source;
    if (source.one_line || position.line == 0) return source.name;
    return source.name + ":" + std::to_string(position.line) + ":" +
           std::to_string(position.column);
}

}  // namespace weir::config
