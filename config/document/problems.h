#pragma once

#include <cstddef>
#include <set>
#include <string>

#include "config/document/path.h"
#include "config/text/position.h"

namespace weir::config {

/// One mistake in a configuration.
struct Problem {
    Position position;
    std::string path;  ///< text form of a Path; "" for the text as a whole
    std::string what;  ///< one line without a full stop at its end

    friend std::weak_ordering operator<=>(const Problem&, const Problem&) = default;
};

/// Returns "app.json:3:12: server.process_events: 0 is out of range: 1 to 1000000".
std::string to_text(const Problem& problem);

/// All mistakes found so far, sorted by source and position. Equal ones count once. Not
/// thread-safe.
class Problems {
public:
    /// Keeps the first `limit` problems and only counts the rest.
    explicit Problems(std::size_t limit = 1000) : limit_(limit) {}

    void add(const Position& position, const Path& path, std::string what);

    /// Returns whether further problems are only counted. Callers then need not compose their text.
    bool full() const { return problems_.size() >= limit_; }
    /// Counts a problem without a text.
    void leave_out() { ++left_out_; }

    bool empty() const { return problems_.empty(); }
    std::size_t size() const { return problems_.size(); }
    auto begin() const { return problems_.begin(); }
    auto end() const { return problems_.end(); }

    /// Returns one line for each problem, and a line with the number of problems that were not
    /// kept.
    std::string text() const;

private:
    std::set<Problem> problems_;
    std::size_t limit_;
    std::size_t left_out_ = 0;
};

}  // namespace weir::config
