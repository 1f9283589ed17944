#include "core/event/event.h"

namespace weir {

std::string Event::describe() const {
    std::string text = type_->name() + '(';
    const char* separator = "";
    for (std::size_t level = 0; level != levels(); ++level) {
        const EventType::Level& description = type_->levels()[level];
        if (!description.name.empty()) {
            text += separator + description.name + '=' + description.text(at(level));
            separator = ", ";
        }
    }
    return text + ')';
}

}  // namespace weir
