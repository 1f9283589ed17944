#pragma once

#include <string>
#include <vector>

#include "apps/weir/remote_server.h"

namespace weir::app {

// The options of `weir events`.
struct EventsCommand {
    RemoteAddress server;
    std::string type;  // "": all
    bool json = false;
};

// Prints the event types that a running server lets in and out, with their indices and members.
// Returns the exit code.
int run_events_command(const EventsCommand& events);

// The options of `weir send`.
struct SendCommand {
    RemoteAddress server;
    std::string type;
    std::string json = "{}";
    double wait = 10;  // seconds for room in the queue
};

// Sends an event to a running server. Returns the exit code.
int run_send_command(const SendCommand& send);

// The options of `weir watch`.
struct WatchCommand {
    RemoteAddress server;
    std::string type;
    std::vector<std::string> filters;  // INDEX=VALUE
    unsigned count = 0;                // ends after so many events; 0: never
};

// Prints the events of a type as they pass in a running server, one JSON object a line. Returns the
// exit code.
int run_watch_command(const WatchCommand& watch);

}  // namespace weir::app
