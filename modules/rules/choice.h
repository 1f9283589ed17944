#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/event/matcher.h"
#include "modules/rules/program.h"
#include "modules/system/event/event_exchange.h"

namespace weir::rules {

// Returns the members of an event as a JSON object; an empty one if its type, and all that this
// extends, have no description.
Json members_of(const Event& event);

// An EventChoice for events that there are: a matcher for its indices, and values for its other
// members.
struct Chosen {
    Matcher matcher;
    std::vector<std::pair<std::string, Json>> others;
    bool blocking = false;  // each event is for the receiver that processes it

    // Returns whether an event that the matcher has matched, with these members, is chosen.
    bool takes(const Json& members) const;
};

// Returns nothing if there is no such event type now. Throws ApiException with `bad_event` for a
// value that its index cannot have, and as Template::make().
std::optional<Chosen> choose(const EventExchange& events, const EventChoice& choice,
                             const Frame& frame);

}  // namespace weir::rules
