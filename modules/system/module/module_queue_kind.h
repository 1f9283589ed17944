#pragma once

#include <functional>
#include <string>
#include <utility>

#include "config/settings/settings.h"
#include "core/queue/leaf_queue.h"

namespace weir {

/// A kind of queues that a module brings, for `server.queues`. Made by
/// ModuleDeclaration::queue_kind.
struct ModuleQueueKind {
    std::string name;      ///< that a queue has at `kind`
    std::string sentence;  ///< in which order its events leave, without a full stop
    const config::Description* settings = nullptr;  ///< of `settings` of a queue; null: it has none
    /// Returns the factory of queues with these settings, of the described struct.
    std::function<LeafQueueFactory(const void* settings)> make;
};

/// Makes a kind with settings: `make` is a `LeafQueueFactory (const S&)`.
template <config::Described S, class F>
ModuleQueueKind make_queue_kind(std::string name, std::string sentence, F make) {
    return {std::move(name), std::move(sentence), &config::description_of<S>(),
            [make = std::move(make)](const void* settings) {
                return LeafQueueFactory(make(*static_cast<const S*>(settings)));
            }};
}

/// Makes a kind without settings.
ModuleQueueKind make_queue_kind(std::string name, std::string sentence, LeafQueueFactory factory);

}  // namespace weir
