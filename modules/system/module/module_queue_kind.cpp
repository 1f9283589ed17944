#include "modules/system/module/module_queue_kind.h"

#include <string>
#include <utility>

#include "core/queue/queue.h"

namespace weir {

ModuleQueueKind make_queue_kind(std::string name, std::string sentence, LeafQueueFactory factory) {
    return {std::move(name), std::move(sentence), nullptr,
            [factory = std::move(factory)](const void*) { return factory; }};
}

}  // namespace weir
