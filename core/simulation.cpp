#include "core/simulation.h"

#include <utility>

namespace weir {

void Simulation::happen(Duration after, std::function<void()> what) {
    outside_.emplace(std::pair(now_ + after, random_()), std::move(what));
}

bool Simulation::poll(std::optional<Duration> wait) {
    ++polls_;
    if (std::exchange(woken_, false)) {
        wait = Duration::zero();
    }
    if (polls_ == failing_poll_) {
        return true;
    }
    if (!outside_.empty() && (!wait || outside_.begin()->first.first <= now_ + *wait)) {
        now_ = std::max(now_, outside_.begin()->first.first);
        while (!outside_.empty() && outside_.begin()->first.first <= now_) {
            auto what = outside_.extract(outside_.begin());
            what.mapped()();
        }
        return true;
    }
    if (!wait) {
        return false;
    }
    now_ += *wait;
    return true;
}

}  // namespace weir
