#pragma once

#include <string>
#include <utility>

#include "core/base/pool.h"
#include "core/base/ref.h"
#include "core/run/trace_context.h"

namespace weir {

/// What many routines do not have. Routines of the same RoutineName share it, as long as they work
/// for no trace.
struct RoutineRare final : RefCounted<RoutineRare>, pool::Pooled {
    explicit RoutineRare(std::string its_name) noexcept : name(std::move(its_name)) {}

    const std::string name;
    Ref<TraceContext> trace_context;  // only while one routine has this
};

/// The name of a routine, for logs and listings. Copies share the text, so that code which starts
/// routines of one name again and again makes it once:
///
///     const RoutineName name("session");
///     container.start(serve(client), {.name = name});
class RoutineName {
public:
    RoutineName() noexcept = default;
    RoutineName(std::string text)
        : rare_(text.empty() ? nullptr : new RoutineRare(std::move(text))) {}
    RoutineName(const char* text) : RoutineName(std::string(text)) {}

private:
    friend class Container;
    Ref<RoutineRare> rare_;  // null: no name
};

}  // namespace weir
