#include "config/text/nearest_name.h"

#include <algorithm>

#include "config/text/quoted.h"

namespace weir::config {

namespace {

constexpr std::size_t longest_name = 64;
constexpr std::size_t shortest_beginning = 3;

char folded(char character) {
    if (character >= 'A' && character <= 'Z') return static_cast<char>(character - 'A' + 'a');
    return character == '-' ? '_' : character;
}

std::size_t near_enough(std::string_view left, std::string_view right) {
    const std::size_t length = std::max(left.size(), right.size());
    return std::min<std::size_t>(length / 3, 3);
}

}  // namespace

std::size_t edit_distance(std::string_view left, std::string_view right) {
    const std::size_t width = right.size() + 1;
    std::vector<std::size_t> before(width), previous(width), row(width);
    for (std::size_t column = 0; column < width; ++column) previous[column] = column;
    for (std::size_t i = 1; i <= left.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j < width; ++j) {
            const bool same = folded(left[i - 1]) == folded(right[j - 1]);
            row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (same ? 0 : 1)});
            const bool swapped = i > 1 && j > 1 && folded(left[i - 1]) == folded(right[j - 2]) &&
                                 folded(left[i - 2]) == folded(right[j - 1]);
            if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before.swap(previous);
        previous.swap(row);
    }
    return previous[width - 1];
}

std::string_view nearest_name(std::string_view name, const std::vector<std::string>& known) {
    std::string_view nearest;
    std::size_t least = longest_name;
    if (name.empty() || name.size() > longest_name) return nearest;
    for (const std::string& candidate : known) {
        // Bounds the time, which grows with the product of the lengths.
        if (candidate.size() > longest_name) continue;
        const auto [shorter, longer] = std::minmax({name.size(), candidate.size()});
        if (longer - shorter > near_enough(name, candidate)) continue;
        const std::size_t distance = edit_distance(name, candidate);
        if (distance < least && distance <= near_enough(name, candidate)) {
            nearest = candidate;
            least = distance;
        }
    }
    if (!nearest.empty() || name.size() < shortest_beginning) return nearest;
    for (const std::string& candidate : known) {
        if (std::string_view(candidate).substr(0, name.size()) == name) return candidate;
    }
    return nearest;
}

std::string unknown_name(std::string_view kind, std::string_view name,
                         const std::vector<std::string>& known) {
    return "unknown " + std::string(kind) + " '" + printable(name) + "'" +
           did_you_mean(name, known);
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
    const std::string_view nearest = nearest_name(name, known);
    return nearest.empty() ? "" : " (did you mean '" + std::string(nearest) + "'?)";
}

}  // namespace weir::config
