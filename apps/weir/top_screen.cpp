#include "apps/weir/top_screen.h"

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include <ncurses.h>
#include <unistd.h>

namespace weir::app {

TopScreen::TopScreen() {
    std::setlocale(LC_CTYPE, "");
    set_escdelay(25);
    // initscr() would end the program on failure; this returns.
    screen_ = newterm(nullptr, stdout, stdin);
    if (screen_ == nullptr) {
        const char* name = std::getenv("TERM");
        throw std::runtime_error("the terminal '" + std::string(name == nullptr ? "" : name) +
                                 "' is not known; --batch needs none");
    }
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
}

TopScreen::~TopScreen() {
    endwin();
    delscreen(screen_);
}

bool TopScreen::possible() {
    return isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
}

std::size_t TopScreen::width() const {
    return static_cast<std::size_t>(getmaxx(stdscr));
}

std::size_t TopScreen::height() const {
    return static_cast<std::size_t>(getmaxy(stdscr));
}

void TopScreen::show(const std::vector<std::string>& lines, std::size_t highlighted) {
    erase();
    for (std::size_t i = 0; i != lines.size(); ++i) {
        if (i == highlighted) {
            attron(A_REVERSE);
        }
        mvaddstr(static_cast<int>(i), 0, lines[i].c_str());
        if (i == highlighted) {
            attroff(A_REVERSE);
        }
    }
    refresh();
}

TopKey TopScreen::key(int milliseconds) {
    timeout(milliseconds);
    switch (getch()) {
        case ERR:
            return TopKey::none;
        case KEY_RESIZE:
            return TopKey::resized;
        case 'q':
        case 'Q':
            return TopKey::quit;
        case KEY_UP:
        case 'k':
            return TopKey::up;
        case KEY_DOWN:
        case 'j':
            return TopKey::down;
        case KEY_PPAGE:
            return TopKey::page_up;
        case KEY_NPAGE:
        case ' ':
            return TopKey::page_down;
        case KEY_HOME:
            return TopKey::first;
        case KEY_END:
            return TopKey::last;
        case '<':
        case KEY_LEFT:
            return TopKey::column_before;
        case '>':
        case KEY_RIGHT:
            return TopKey::column_after;
        case 'R':
            return TopKey::reverse;
        case 'm':
            return TopKey::modules;
        case 'u':
            return TopKey::queues;
        case 'r':
            return TopKey::routines;
        case 'l':
            return TopKey::locks;
        case 'e':
            return TopKey::rules;
        case '\t':
            return TopKey::next_view;
        default:
            return TopKey::other;
    }
}

}  // namespace weir::app
