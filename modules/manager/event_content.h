#pragma once

#include <cstddef>

#include "core/event/event.h"
#include "modules/system/call/caller.h"
#include "modules/system/call/json.h"

namespace weir {

// What events say, for a client that may watch events: the members of portable events as JSON. Of
// all events together no more is told than fits in a page or two: texts and lists are cut.
class EventContents {
public:
    explicit EventContents(const Caller& client);

    // Returns the members; null if the client may not see them, if the events of the type must not
    // leave the process, or if enough was told of others.
    Json of(const Event& event);

private:
    Json cut(const config::Value& value);

    const bool may_see_;
    std::size_t left_;  // values that may still be told
};

}  // namespace weir
