#pragma once

#include <cstdint>
#include <string>

#include "core/base/ref.h"
#include "core/event/event.h"

namespace weir {
class Connection;
}

namespace weir::resp {

// Tells the events of a client whether it is still connected. Shared by its session and its events.
struct SessionLife : RefCounted<SessionLife> {
    bool open = true;
};

// Bytes that a client has sent, as they arrived. Blocks its queue until the client's session takes
// it: while the session is busy, no more than a few of these are read from the client.
struct InputEvent : Event {
    Index<IndexValue> module;  // its name: each module has a queue of its own
    Index<const Connection*> connection;
    Ref<SessionLife> life;
    std::string bytes;
    bool end = false;  // the client sends no more

    bool can_ignore_now() const noexcept { return !life->open; }

    static auto declare() {
        return declare_event<InputEvent>("weir.resp.InputEvent")
            .index("module", &InputEvent::module)
            .index("connection", &InputEvent::connection)
            .blocking();
    }
};

}  // namespace weir::resp
