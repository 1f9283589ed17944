#pragma once

#include <optional>

#include "core/base/pool.h"
#include "core/base/ref.h"
#include "core/event/event.h"
#include "core/run/routine.h"
#include "modules/system/call/api_result.h"
#include "modules/system/call/api_value.h"
#include "modules/system/call/caller.h"

namespace weir {

/// What caller and callee of one API call share until the caller has its result.
struct ApiCall final : RefCounted<ApiCall>, pool::Pooled {
    ApiValue parameters;
    Ref<Caller> caller;                         // who asks from outside; null: a module
    bool wants_json = false;                    // how the caller wants the result
    std::optional<ApiResult<ApiValue>> result;  // once the callee has answered
    bool given_up = false;                      // the caller no longer waits
    Ref<Routine> callee;                        // runs the function
    // The caller makes it, so that the callee needs no memory to answer; null once it is used. See
    // take_reply().
    Ref<Event> reply;

    /// Ends the call for a caller that no longer waits: unwinds the callee, and drops parameters
    /// and result.
    void give_up() noexcept {
        given_up = true;
        parameters = {};
        result.reset();
        reply.reset();
        if (const Ref<Routine> routine = std::move(callee)) {
            routine->close();
        }
    }
};

}  // namespace weir
