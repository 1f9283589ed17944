#pragma once

#include <set>
#include <vector>

#include "config/settings/configuration.h"
#include "core/queue/queue.h"
#include "modules/system/module/module_class.h"
#include "modules/system/server/queue_settings.h"

namespace weir {

// The event types that are there without any module.
const std::vector<const EventType*>& standard_event_types();

// The queues that the configuration adds to the queue tree, `server.queues`. A queue is made when
// the types of its events are known: with the server, or with the module that brings them.
class ConfiguredQueues {
public:
    // Both must outlive this, and the settings must stay as they are.
    ConfiguredQueues(Queue& root, const std::vector<QueueSettings>& settings) noexcept
        : root_(root), settings_(settings) {}

    // Makes the queues for standard event types.
    void add_standard() { add(standard_event_types()); }
    // Makes the queues for events that the module brings.
    void add_for(const ModuleClass& type);

    // Reports queues for event types that are not among these, or for indices that they do not
    // have.
    static void check(const config::Configuration& configuration,
                      const std::vector<QueueSettings>& settings,
                      const std::vector<const EventType*>& types, config::Problems& problems);

private:
    void add(const std::vector<const EventType*>& types);

    Queue& root_;
    const std::vector<QueueSettings>& settings_;
    std::set<const QueueSettings*> made_;
};

}  // namespace weir
