#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/settings/configuration.h"
#include "core/queue/queue.h"
#include "modules/system/event/json_event_types.h"
#include "modules/system/module/module_class.h"
#include "modules/system/server/queue_settings.h"

namespace weir {

class Module;

// The event types that are there without any module.
const std::vector<const EventType*>& standard_event_types();

// The kinds of queues that modules bring, by name.
using ModuleQueueKinds = std::map<std::string, const ModuleQueueKind*, std::less<>>;

// The queues that the configuration adds to the queue tree, `server.queues`. A queue is made when
// its kind and the types of its events are known: with the server, or with the modules that bring
// them. It stays, but for a queue of a kind that a module brings: that is the module's.
class ConfiguredQueues {
public:
    // All must outlive this, and the settings must stay as they are. `declared` are the types that
    // the configuration declares.
    ConfiguredQueues(Queue& root, const std::vector<QueueSettings>& settings,
                     const JsonEventTypes& declared) noexcept
        : root_(root), settings_(settings), declared_(declared) {}

    // Makes those queues for which no module is needed.
    void add_standard() { add({}); }
    // Makes those queues that became possible with the module, which may be about to take the place
    // of another version. `others` are the modules that are there.
    void add_for(Module& module, std::vector<Module*> others);

    // Reports queues of kinds, or for event types, that are not among these, for indices that they
    // do not have, and wrong settings of kinds.
    static void check(const config::Configuration& configuration,
                      const std::vector<QueueSettings>& settings,
                      const std::vector<const EventType*>& types, const ModuleQueueKinds& kinds,
                      config::Problems& problems);

private:
    // All modules that are there. Of those that bring a kind, the first has the queues of it.
    using Modules = std::vector<Module*>;

    void add(const Modules& modules);
    void add_all(Queue& parent, const std::vector<QueueSettings>& queues,
                 const std::vector<const EventType*>& types, const Modules& modules);
    void add_to(Queue& parent, const QueueSettings& settings,
                const std::vector<const EventType*>& types, const Modules& modules);

    Queue& root_;
    const std::vector<QueueSettings>& settings_;
    const JsonEventTypes& declared_;
    std::map<const QueueSettings*, Ref<Queue>> made_;  // those that stay
};

}  // namespace weir
