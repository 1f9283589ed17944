#pragma once

#include <cstddef>

#include "core/event/event.h"
#include "modules/system/call/caller.h"
#include "modules/system/call/json.h"

namespace weir {

// What events say, for a client that may watch events: the members of portable events as JSON.
// Texts and lists are cut, and of all events together no more than `most` values are told: by
// default what fits in a page or two.
class EventContents {
public:
    static constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

    explicit EventContents(const Caller& client, std::size_t most = 5000);

    bool may_see() const noexcept { return may_see_; }
    // Returns the members; null if the client may not see them, if the events of the type must not
    // leave the process, or if enough was told of others.
    Json of(const Event& event);

private:
    Json cut(const config::Value& value);

    const bool may_see_;
    std::size_t left_;  // values that may still be told
};

}  // namespace weir
