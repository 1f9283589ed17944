#pragma once

#include <set>
#include <vector>

#include "config/settings/configuration.h"
#include "core/queue/queue.h"
#include "modules/system/event/json_event_types.h"
#include "modules/system/module/module_class.h"
#include "modules/system/server/queue_settings.h"

namespace weir {

// The event types that are there without any module.
const std::vector<const EventType*>& standard_event_types();

// The queues that the configuration adds to the queue tree, `server.queues`. A queue is made when
// the types of its events are known: with the server, or with the module that brings them.
class ConfiguredQueues {
public:
    // All must outlive this, and the settings must stay as they are. `declared` are the types that
    // the configuration declares.
    ConfiguredQueues(Queue& root, const std::vector<QueueSettings>& settings,
                     const JsonEventTypes& declared) noexcept
        : root_(root), settings_(settings), declared_(declared) {}

    // Makes those queues whose events no module brings.
    void add_standard() { add(types_without_modules()); }
    // Makes those queues whose events the module brings.
    void add_for(const ModuleClass& type);

    // Reports queues for event types that are not among these, or for indices that they do not
    // have.
    static void check(const config::Configuration& configuration,
                      const std::vector<QueueSettings>& settings,
                      const std::vector<const EventType*>& types, config::Problems& problems);

private:
    std::vector<const EventType*> types_without_modules() const;
    void add(const std::vector<const EventType*>& types);

    Queue& root_;
    const std::vector<QueueSettings>& settings_;
    const JsonEventTypes& declared_;
    std::set<const QueueSettings*> made_;
};

}  // namespace weir
