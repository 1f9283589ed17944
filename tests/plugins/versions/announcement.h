#pragma once

#include <string>

#include "core/event/event.h"

/// The events between the test plugins. Each plugin has its own copy of the types.
struct Announcement : weir::Event {
    int a = 0;
    int b = 0;

    static auto declare() { return weir::declare_event<Announcement>("test.Announcement"); }
};

struct Echo : weir::Event {
    int sum = 0;
    std::string version;

    static auto declare() { return weir::declare_event<Echo>("test.Echo"); }
};
