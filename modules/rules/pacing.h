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

namespace weir::rules {

// Decides which events of a rule fire, and when: `once`, then `debounce`, then `throttle`.
class Pacing {
public:
    using Fire = std::function<void(Json event)>;

    // Fires by the function, within add() or later. Remembers `most_keys` values of each at most.
    Pacing(Scheduler& scheduler, const Program& program, std::size_t most_keys, Fire fire);
    Pacing(const Pacing&) = delete;
    Pacing& operator=(const Pacing&) = delete;
    ~Pacing();

    // Throws what the references of `by` throw.
    void add(Json event);
    // Fires at once all that waits for its time.
    void fire_all();
    // Returns how many events wait for their time.
    std::size_t waiting() const noexcept;
    // Returns how many events were dropped in favour of others.
    std::uint64_t dropped() const noexcept { return dropped_; }

private:
    class Stage;
    class Once;
    class Delayed;

    void pass(std::size_t stage, Json event);

    const Fire fire_;
    std::vector<std::unique_ptr<Stage>> stages_;
    std::uint64_t dropped_ = 0;
};

}  // namespace weir::rules
