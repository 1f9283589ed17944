#pragma once

#include <cstdint>
#include <string>

#include "core/base/ref.h"
#include "core/event/event.h"
#include "core/wait/inlet.h"

namespace weir {
class Connection;
}

namespace weir::resp {

// Tells the events of a client whether it is still connected, and where its session takes them.
// Shared by its session, whatever version of the plugin that is of, and its events.
struct SessionLife : RefCounted<SessionLife> {
    bool open = true;
    Inlet input;
};

// Bytes that a client has sent, as they arrived. Blocks its queue until the client's session takes
// it: while the session is busy, no more than a few of these are read from the client. If the
// session waits for input, and no code looks, the event goes to it without its queue.
struct InputEvent : Event {
    Index<IndexValue> module;  // its name: each module has a queue of its own
    Index<const Connection*> connection;
    Ref<SessionLife> life;
    std::string bytes;
    bool end = false;  // the client sends no more

    bool can_ignore_now() const noexcept { return !life->open; }
    void received() noexcept {
        if (life->open) {
            life->input.receive(*this);
        }
    }

    static auto declare() {
        return declare_event<InputEvent>("weir.resp.InputEvent")
            .index("module", &InputEvent::module)
            .index("connection", &InputEvent::connection)
            .blocking();
    }
};

}  // namespace weir::resp
