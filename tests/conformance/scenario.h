#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "core/event/event.h"
#include "core/event/event_type.h"
#include "core/event/matcher.h"
#include "core/queue/queue.h"

namespace weir::conformance {

using Json = nlohmann::ordered_json;

/// An event of a type that a scenario describes.
struct ScenarioEvent : Event {
    static constexpr std::size_t most_indices = 8;

    std::array<IndexValue, most_indices> values;
    Json attributes;
    std::string name;
};

/// The event types of a scenario, and what is made of them. Must outlive its events.
class ScenarioTypes {
public:
    /// `scenario` describes the types, and the queues, whose keys may name attributes.
    explicit ScenarioTypes(const Json& scenario);

    Ref<ScenarioEvent> event(const Json& description, const std::string& name) const;
    Matcher matcher(const Json& description) const;
    /// Returns the options of a queue of this description.
    QueueOptions queue(const Json& description) const;

private:
    const EventType& type(const std::string& name);

    const Json& descriptions_;
    std::vector<std::string> attributes_;
    std::map<std::string, std::unique_ptr<EventType>> types_;
};

/// Returns an index value of a scenario: an integer or a text.
IndexValue index_value(const Json& value);

/// How a scenario is run. Its trace does not depend on that.
struct Way {
    bool traced = false;    ///< with a tracer, so that events that no routine can notice take no
                            ///< shortcut; programs only
    bool observed = false;  ///< a tracer comes and goes, and snapshots are taken, at random moments
                            ///< that are the same in each run; programs only
    bool compiled = true;   ///< see QueueOptions
};

/// Returns the trace of a run of the scenario, an array.
Json run_structures(const Json& scenario, const Way& way);
Json run_program(const Json& scenario, const Way& way);

}  // namespace weir::conformance
