#pragma once

#include <cstddef>
#include <string>
#include <vector>

struct screen;  // of ncurses

namespace weir::app {

enum class TopKey {
    none,  // the time is over
    other,
    resized,
    quit,
    up,
    down,
    page_up,
    page_down,
    first,
    last,
    column_before,
    column_after,
    reverse,
    modules,
    queues,
    routines,
    locks,
    next_view,
};

// The terminal, taken over for lines of text and keys as long as it lives. One at a time.
class TopScreen {
public:
    // Throws std::runtime_error if the terminal cannot do it.
    TopScreen();
    ~TopScreen();
    TopScreen(const TopScreen&) = delete;
    TopScreen& operator=(const TopScreen&) = delete;

    // In characters; may change at any time.
    std::size_t width() const;
    std::size_t height() const;
    // Shows the lines, one of them highlighted.
    void show(const std::vector<std::string>& lines, std::size_t highlighted);
    // The next key, or none after so many milliseconds.
    TopKey key(int milliseconds);

    // Whether input and output are a terminal.
    static bool possible();

private:
    screen* screen_;
};

}  // namespace weir::app
