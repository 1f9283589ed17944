#include "modules/zookeeper/contenders.h"

#include <algorithm>
#include <utility>

namespace weir::zookeeper {
namespace {

constexpr std::size_t digits_of_number = 10;

// Returns the number at the end of a contender's name as text, which sorts as the number does:
// none is negative, because a parent has no 2^31 children in its life.
std::optional<std::string_view> number_of(std::string_view name) {
    if (name.size() < digits_of_number) {
        return std::nullopt;
    }
    const std::string_view number = name.substr(name.size() - digits_of_number);
    const std::string_view before = name.substr(0, name.size() - digits_of_number);
    const bool is_number = number.find_first_not_of("0123456789") == std::string_view::npos;
    const bool is_lock = before.ends_with("-lock-") || before.ends_with("__lock__");
    return is_number && is_lock ? std::optional(number) : std::nullopt;
}

}  // namespace

std::string contender_prefix(std::string_view id) {
    return "_c_" + std::string(id) + "-lock-";
}

Contenders::Contenders(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        if (number_of(name)) {
            names_.push_back(name);
        }
    }
    std::ranges::sort(names_, {}, [](const std::string& name) { return *number_of(name); });
}

std::vector<std::size_t> Contenders::find(std::string_view prefix) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i != names_.size(); ++i) {
        if (names_[i].starts_with(prefix)) {
            found.push_back(i);
        }
    }
    return found;
}

}  // namespace weir::zookeeper
