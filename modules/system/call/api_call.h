#pragma once

#include <optional>

#include "core/base/pool.h"
#include "core/base/ref.h"
#include "core/event/event.h"
#include "core/run/routine.h"
#include "modules/system/call/api_result.h"
#include "modules/system/call/api_value.h"

namespace weir {

// What caller and callee of one API call share while it is under way.
struct ApiCall final : RefCounted<ApiCall>, pool::Pooled {
    ApiValue parameters;
    bool wants_json = false;                    // how the caller wants the result
    std::optional<ApiResult<ApiValue>> result;  // once it is answered
    bool given_up = false;                      // the caller does not wait any more
    Ref<Routine> callee;                        // runs the function
    // The caller's, so that answering takes no memory; null once it is used. See take_reply.
    Ref<Event> reply;

    // The caller goes: what runs for it is unwound, and nothing of it is kept.
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
