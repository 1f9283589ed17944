#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "modules/system/call/json.h"

namespace weir::app {

// What `weir top` shows, as lines of text: made from two answers of manager.inspect, with what
// rules.list returns as its member `rules`, and independent of a terminal.

enum class TopView { modules, queues, routines, locks, rules };

inline constexpr std::array<std::string_view, 5> top_view_names{"modules", "queues", "routines",
                                                                "locks", "rules"};

// The column by which the rows of a view are sorted: numbers from the largest down, texts from a to
// z.
struct TopOrder {
    std::size_t column = 0;
    bool reversed = false;
};

// What the user has chosen to see.
struct TopState {
    TopView view = TopView::queues;
    std::array<TopOrder, 5> orders{
        TopOrder{}, {.column = 1}, {.column = 3}, {.column = 4}, {.column = 6}};
    std::size_t scrolled = 0;  // number of rows above the first that is shown

    TopOrder& order() { return orders.at(static_cast<std::size_t>(view)); }
    const TopOrder& order() const { return orders.at(static_cast<std::size_t>(view)); }
};

// Returns the parameters with which manager.inspect answers what the view shows, and no more.
Json top_parameters(TopView view);

struct TopFrame {
    std::vector<std::string> lines;
    std::size_t titles = 0;  // index of the line with the titles of the columns
    std::size_t rows = 0;    // number of rows of the view, shown or not
};

// Returns the frame for the answer `now`. Rates are those since the answer `before`, or "-" where
// that is null or of another process. The frame has at most `height` lines of `width` characters;
// 0: no limit. A column or row of the state that does not exist is replaced by the nearest that
// does. Throws nlohmann::json::exception if an answer is not of manager.inspect.
TopFrame top_frame(const std::string& address, const Json& before, const Json& now, TopState& state,
                   std::size_t width = 0, std::size_t height = 0);

}  // namespace weir::app
