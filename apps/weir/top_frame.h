#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "modules/system/call/json.h"

namespace weir::app {

// What `weir top` shows, made of two answers of manager.inspect: texts, without a terminal.

enum class TopView { modules, queues, routines, locks };

inline constexpr std::array<std::string_view, 4> top_view_names{"modules", "queues", "routines",
                                                                "locks"};

// By which column the rows of a view are sorted: numbers from the largest down, texts from a to z.
struct TopOrder {
    std::size_t column = 0;
    bool reversed = false;
};

// What whoever looks has chosen.
struct TopState {
    TopView view = TopView::queues;
    std::array<TopOrder, 4> orders{TopOrder{}, {.column = 1}, {.column = 3}, {.column = 4}};
    std::size_t scrolled = 0;  // rows above the first that is shown

    TopOrder& order() { return orders.at(static_cast<std::size_t>(view)); }
    const TopOrder& order() const { return orders.at(static_cast<std::size_t>(view)); }
};

// The parameters of manager.inspect by which it tells what the view shows, and no more.
Json top_parameters(TopView view);

struct TopFrame {
    std::vector<std::string> lines;
    std::size_t titles = 0;  // which line has the titles of the columns
    std::size_t rows = 0;    // how many there are, shown or not
};

// The frame for what is `now`. Rates are those since `before`, "-" where that is null or not
// comparable. At most `height` lines of `width` characters; 0: all. A state with a column, or
// scrolled to a place, that does not exist is put right. Throws nlohmann::json::exception if it is
// given something else.
TopFrame top_frame(const std::string& address, const Json& before, const Json& now, TopState& state,
                   std::size_t width = 0, std::size_t height = 0);

}  // namespace weir::app
