#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace weir::config {

/// The path from the root of a configuration to a value: names of settings and indices of lists.
///
/// As text: `server.queues[3].event`. A name with characters other than letters, digits, '_', '-'
/// and '$' is in brackets and quotes: `module.lock.semaphores["db.main"]`.
class Path {
public:
    using Step = std::variant<std::string, std::size_t>;

    Path() = default;
    /// Reads the text form. Accepts any text: malformed parts become names as they stand.
    Path(std::string_view text);
    Path(const char* text) : Path(std::string_view(text)) {}
    Path(const std::string& text) : Path(std::string_view(text)) {}

    const std::vector<Step>& steps() const { return steps_; }
    bool empty() const { return steps_.empty(); }
    std::size_t size() const { return steps_.size(); }

    void push(std::string_view name) { steps_.emplace_back(std::string(name)); }
    void push(std::size_t index) { steps_.emplace_back(index); }
    void pop() { steps_.pop_back(); }

    /// Returns this path continued by another.
    Path operator/(const Path& rest) const;

    /// Returns the text form, safe to print. Long names are shortened.
    std::string text() const;

private:
    std::vector<Step> steps_;
};

}  // namespace weir::config
