#pragma once

#include <string>

#include "core/event/event.h"

namespace weir {

// A rule, or another listener that must miss nothing, has begun to receive events of a type. A
// module that has sent such events about what is still to be done, as a queue about its jobs, sends
// them again: the listener may not have been there.
struct ListenerBegins : Event {
    Index<std::string> type;  // name of the event type

    static auto declare() {
        return declare_event<ListenerBegins>("weir.ListenerBegins")
            .index("type", &ListenerBegins::type);
    }
};

}  // namespace weir
