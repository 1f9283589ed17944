#include "modules/lock/state.h"

#include "modules/lock/context.h"
#include "modules/lock/events.h"
#include "modules/lock/key.h"
#include "modules/lock/key_pattern.h"
#include "modules/lock/table.h"

namespace weir {

LockState::LockState(Ref<LockTable> in_table, Ref<LockContext> in_context, IndexValue on_key,
                     SessionRecord* of_session)
    : table(std::move(in_table)),
      context(std::move(in_context)),
      key(std::move(on_key)),
      session(of_session) {}

LockState::~LockState() = default;

void LockState::unlock() noexcept {
    if (locked) {
        locked = false;
        table->released(*this);
    }
}

bool LockState::event_is_queued() const noexcept {
    return event->queued();
}

std::string LockOwner::describe() const {
    if (session != nullptr) {
        return "session '" + session->name + "'";
    }
    return routine != nullptr ? routine->describe() : "code outside of routines";
}

std::string describe_lock(const LockState& state) {
    return "lock '" + key_text(state.key) + "' in context '" + state.context->name() + "'";
}

}  // namespace weir
