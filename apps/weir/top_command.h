#pragma once

#include <optional>
#include <string>

#include "apps/weir/remote_server.h"

namespace weir::app {

// The options of `weir top`.
struct TopCommand {
    // While the server is waited for, no key is read: shorter than for other commands.
    RemoteAddress server{.address = {}, .timeout = 2};
    std::string view = "queues";    // of top_view_names
    double interval = 1;            // seconds between two looks
    bool batch = false;             // print frames, without a terminal
    std::optional<unsigned> count;  // of frames to print; none: until it is ended
};

// Shows what a running server does, again and again, with rates: in the terminal, with keys, or
// printed. In the terminal it connects again to a server that does not answer. Returns the exit
// code.
int run_top_command(const TopCommand& top);

}  // namespace weir::app
