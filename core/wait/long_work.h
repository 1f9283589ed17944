#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "core/base/list.h"
#include "core/base/ref.h"
#include "core/queue/ring.h"
#include "core/run/task.h"
#include "core/wait/condition.h"

namespace weir {

class Scheduler;

/// Lets long work be done in turn, as listings of all that a server has. In each round of the
/// scheduler about `per_round` items of it are done for all sources together, and behind the
/// other events of the round. A client that asks for little therefore waits for one piece of long
/// work at most, however many clients ask for much.
///
/// A routine awaits LongWork::turn(work, source, items), and then does so many items of its work
/// without a wait. Their number is an estimate: it stands for the time for which other routines
/// wait, at a few microseconds an item.
///
/// Work that may be interrupted asks for a turn before each piece of at most `per_round` items.
/// Work of a source that has begun goes on before more of its work begins: few results are half
/// done, and in memory, at a time.
///
/// Each turn has a source, as a user or an address. Sources take turns, so that one with many
/// clients delays another by two pieces at most; those of one source are served first in, first
/// out. While nothing waits and the round has items left, a turn is granted at once.
///
/// Belongs to the scheduler's thread. Routines that wait keep it alive.
class LongWork final : public RefCounted<LongWork> {
public:
    /// An item is what takes a few microseconds, as a row of a listing: a round of long work takes
    /// about a millisecond.
    static constexpr std::size_t per_round = 256;

    enum class Piece { first, next };

    explicit LongWork(Scheduler& scheduler) noexcept;
    LongWork(const LongWork&) = delete;
    LongWork& operator=(const LongWork&) = delete;
    ~LongWork();

    /// Grants the turn, and returns true, if no other one waits and the round has items left.
    bool begin(std::size_t items) noexcept;
    /// Waits until the items may be worked on.
    static Task<> turn(Ref<LongWork> work, std::string source, std::size_t items,
                       Piece piece = Piece::first);

    /// Returns how many routines wait for a turn.
    std::size_t waiting() const noexcept { return waiting_; }

private:
    struct Source;
    class Waiter;

    bool has_items_left() noexcept;
    void choose() noexcept;

    Scheduler& scheduler_;
    // Those with waiters that are not chosen.
    std::map<std::string, Source, std::less<>> sources_;
    Ring<Source> turns_;
    Waiter* chosen_ = nullptr;  // gets the next turn
    std::size_t waiting_ = 0;
    std::uint64_t round_ = 0;
    std::size_t spent_ = 0;  // items, in that round
};

}  // namespace weir
