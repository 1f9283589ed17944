#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "core/wait/long_work.h"
#include "modules/system/call/caller.h"

namespace weir {

/// co_await long_turn(work, caller, items): waits until so many items of long work may be done for
/// the caller. A user, and an address of clients that have not logged in, is one source.
inline Task<> long_turn(Ref<LongWork> work, const Caller& caller, std::size_t items,
                        LongWork::Piece piece = LongWork::Piece::first) {
    std::string source = caller.user().empty() ? caller.source() : "user " + caller.user();
    return LongWork::turn(std::move(work), std::move(source), items, piece);
}

}  // namespace weir
