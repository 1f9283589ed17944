#include "core/event/event.h"

namespace weir {

std::string Event::describe() const {
    std::string text = type_->name() + '(';
    const char* separator = "";
    for (std::size_t level = 0; level != levels(); ++level) {
        const std::string& name = type_->levels()[level].name;
        if (!name.empty()) {
            text += separator + name + '=' + at(level).describe();
            separator = ", ";
        }
    }
    return text + ')';
}

}  // namespace weir
