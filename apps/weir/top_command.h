#pragma once

#include <optional>
#include <string>

namespace weir::app {

// What `weir top` is asked for.
struct TopCommand {
    std::string address;
    std::string view = "queues";    // of top_view_names
    double interval = 1;            // seconds between two looks
    bool batch = false;             // print frames, without a terminal
    std::optional<unsigned> count;  // of frames to print; none: without end
};

// Shows what a running server does, again and again, with rates: in the terminal, with keys, or
// printed. In the terminal a server that goes away is tried again. Returns what to exit with.
int run_top_command(const TopCommand& top);

}  // namespace weir::app
