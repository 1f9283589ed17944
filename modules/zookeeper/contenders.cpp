#include "modules/zookeeper/contenders.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

namespace weir::zookeeper {
namespace {

constexpr std::size_t digits_of_number = 10;
constexpr std::string_view end_of_prefix = "-lock-";
constexpr std::string_view end_of_reader = "-__READ__";
constexpr std::string_view end_of_writer = "-__WRIT__";

// What stands before the number in names of contenders that read, and of others.
constexpr std::string_view readers_names[] = {end_of_reader, "__rlock__"};
constexpr std::string_view other_names[] = {end_of_prefix, end_of_writer, "__lock__"};

bool ends_with_any(std::string_view name, std::span<const std::string_view> ends) {
    return std::ranges::any_of(ends, [name](std::string_view end) { return name.ends_with(end); });
}

// Returns the number at the end of a contender's name as text, which sorts as the number does:
// none is negative, because a parent has no 2^31 children in its life.
std::optional<std::string_view> number_of(std::string_view name) {
    if (name.size() < digits_of_number) {
        return std::nullopt;
    }
    const std::string_view number = name.substr(name.size() - digits_of_number);
    const std::string_view before = name.substr(0, name.size() - digits_of_number);
    const bool is_number = number.find_first_not_of("0123456789") == std::string_view::npos;
    const bool is_lock = ends_with_any(before, readers_names) || ends_with_any(before, other_names);
    return is_number && is_lock ? std::optional(number) : std::nullopt;
}

constexpr std::string_view size_mark = "-of-";

// Returns how many slots there are for a contender of this name; 1 for a name of another client.
std::size_t size_of(std::string_view name) {
    std::string_view before = name.substr(0, name.size() - digits_of_number);
    if (ends_with_any(before, readers_names)) {
        return readers;
    }
    if (!before.ends_with(end_of_prefix)) {
        return 1;
    }
    before.remove_suffix(end_of_prefix.size());
    const std::size_t mark = before.rfind(size_mark);
    if (mark == std::string_view::npos) {
        return 1;
    }
    const std::string_view digits = before.substr(mark + size_mark.size());
    std::size_t size = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, size);
    return error == std::errc() && stop == end && size != 0 ? size : 1;
}

}  // namespace

std::string contender_prefix(std::string_view id, std::size_t size, WriterName writers) {
    std::string prefix = "_c_" + std::string(id);
    if (size == readers) {
        return prefix.append(end_of_reader);
    }
    if (size == 1 && writers == WriterName::writ) {
        return prefix.append(end_of_writer);
    }
    if (size != 1) {
        prefix.append(size_mark).append(std::to_string(size));
    }
    return prefix.append(end_of_prefix);
}

Contenders::Contenders(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        if (number_of(name)) {
            names_.push_back(name);
        }
    }
    std::ranges::sort(names_, {}, [](const std::string& name) { return *number_of(name); });
}

bool Contenders::grants(std::size_t position) const {
    const std::size_t size = size_of(names_[position]);
    return position < size &&
           std::all_of(names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(position),
                       [size](const std::string& name) { return size_of(name) == size; });
}

std::size_t Contenders::waiting_before(std::size_t position) const {
    std::size_t granted = 0;
    while (granted != position && grants(granted)) {
        ++granted;
    }
    return position - granted;
}

std::size_t Contenders::obstacle_of(std::size_t position) const {
    const bool reads = size_of(names_[position]) == readers;
    std::size_t before = position - 1;
    while (reads && size_of(names_[before]) == readers) {
        --before;
    }
    return before;
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
