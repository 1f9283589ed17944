#pragma once

#include <cstdint>
#include <string>

#include "core/base/ref.h"
#include "core/event/event.h"

namespace weir {
class Connection;
}

namespace weir::resp {

// What events of a client need to know when it may be gone. Shared by its session and its events.
struct SessionLife : RefCounted<SessionLife> {
    bool open = true;
};

// Bytes that a client has sent, as they came. Blocks until the client's session takes it: a client
// whose session is busy is read no further than a few of these.
struct InputEvent : Event {
    Index<const Connection*> connection;
    Ref<SessionLife> life;
    std::string bytes;
    bool end = false;  // the client sends no more

    bool can_ignore_now() const noexcept { return !life->open; }

    static auto declare() {
        return declare_event<InputEvent>("weir.resp.InputEvent")
            .index("connection", &InputEvent::connection)
            .blocking();
    }
};

}  // namespace weir::resp
