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

// --- other threads

class Simulation::SimulatedBell final : public Bell {
public:
    SimulatedBell(Simulation& simulation, std::function<void()> answer)
        : simulation_(simulation), answer_(std::make_shared<Answer>(std::move(answer))) {}

    void ring() noexcept override {
        if (!std::exchange(answer_->rung, true)) {
            simulation_.happen(simulation_.thread_delay(),
                               [answer = std::weak_ptr<Answer>(answer_)] {
                                   if (const auto alive = answer.lock()) {
                                       alive->rung = false;
                                       alive->function();
                                   }
                               });
        }
    }
    // Nobody could ring it while a poll waits.
    void keep_polling(bool) noexcept override {}

private:
    struct Answer {
        explicit Answer(std::function<void()> f) : function(std::move(f)) {}
        std::function<void()> function;
        bool rung = false;
    };

    Simulation& simulation_;
    std::shared_ptr<Answer> answer_;  // of the bell alone: what is to happen looks if it is there
};

Duration Simulation::thread_delay() noexcept {
    return thread_delay_ == Duration::zero()
               ? Duration::zero()
               : Duration(random_() % static_cast<std::uint64_t>(thread_delay_.count()));
}

std::unique_ptr<Poller::Bell> Simulation::make_bell(std::function<void()> answer) {
    return std::make_unique<SimulatedBell>(*this, std::move(answer));
}

void Simulation::start_work(Work& work) {
    works_[&work] = false;
    happen(thread_delay(), [this, &work] {
        const bool cancelled = works_.extract(&work).mapped();
        if (!cancelled) {
            work.run();
        }
        work.done(cancelled);
    });
}

void Simulation::cancel_work(Work& work) noexcept {
    if (const auto found = works_.find(&work); found != works_.end()) {
        found->second = true;
    }
}

}  // namespace weir
