#pragma once

#include <cstddef>
#include <string>
#include <vector>

struct screen;  // of ncurses

namespace weir::app {

enum class TopKey {
    none,  // no key in time
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
    rules,
    next_view,
};

// Takes the terminal over, for lines of text and keys, until it is destroyed. One at a time.
class TopScreen {
public:
    // Throws std::runtime_error if the kind of terminal is not known.
    TopScreen();
    ~TopScreen();
    TopScreen(const TopScreen&) = delete;
    TopScreen& operator=(const TopScreen&) = delete;

    // The size in characters, which may change at any time.
    std::size_t width() const;
    std::size_t height() const;
    // Shows the lines; `highlighted` is the index of one.
    void show(const std::vector<std::string>& lines, std::size_t highlighted);
    // Returns the next key, or TopKey::none after so many milliseconds.
    TopKey key(int milliseconds);

    // Returns whether standard input and output are a terminal.
    static bool possible();

private:
    screen* screen_;
};

}  // namespace weir::app
