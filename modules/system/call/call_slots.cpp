#include "modules/system/call/call_slots.h"

#include <new>

#include "modules/system/call/json.h"

namespace weir {

void CallSlots::give_nothing() {
    if (result_type == nullptr) {
        state = State::value;
    } else if (*result_type == api_type_of<Json>()) {
        ::new (result) Json();
        state = State::value;
    } else {
        state = State::other_type;
    }
}

void CallSlots::give_json(const config::Type& type, const void* value) {
    ::new (result) Json(json_from(type, value));
    state = State::value;
}

}  // namespace weir
