#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/run/event_handler.h"
#include "core/run/scheduler.h"
#include "modules/rules/program.h"
#include "modules/system/call/api_error.h"

namespace weir::rules {

// Decides which events of a rule fire, and when: `once`, then `debounce`, then `throttle`.
class Pacing {
public:
    using Fire = std::function<void(Json event)>;
    using Fail = std::function<void(std::string where, ApiError error, Json event)>;

    // Fires by the function, within add() or later; an event whose `by` has no value fails instead.
    // Neither function may throw ApiException. Remembers `most_keys` values of each `by` at most.
    Pacing(Scheduler& scheduler, const Program& program, std::size_t most_keys, Fire fire,
           Fail fail);
    Pacing(const Pacing&) = delete;
    Pacing& operator=(const Pacing&) = delete;
    ~Pacing();

    void add(Json event);
    // Fires at once all that waits for its time.
    void fire_all();
    // Returns how many events wait for their time.
    std::size_t waiting() const noexcept;
    // Returns how many events were dropped in favour of others.
    std::uint64_t dropped() const noexcept { return dropped_; }

private:
    class Stage;

    void pass(std::size_t stage, Json event);

    const Fire fire_;
    const Fail fail_;
    std::vector<std::unique_ptr<Stage>> stages_;
    std::uint64_t dropped_ = 0;
};

}  // namespace weir::rules
