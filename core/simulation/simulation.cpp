#include "core/simulation/simulation.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <typeinfo>
#include <utility>

namespace weir {

void Simulation::happen(Duration after, std::function<void()> what) {
    outside_.emplace(std::pair(now_ + after, random_()), std::move(what));
}

void Simulation::set_wall_clock(std::chrono::sys_time<std::chrono::microseconds> time) {
    wall_offset_ = time.time_since_epoch() - now_.time_since_epoch();
    for (WallClockUser& clock_user : wall_clock_users_) {
        clock_user.wall_clock_was_set();
    }
}

// --- other threads

// Ringing allocates nothing, because ring() may be called where nothing may throw.
class Simulation::SimulatedBell final : public Bell {
public:
    SimulatedBell(Simulation& simulation, std::function<void()> answer)
        : simulation_(simulation), answer_(std::move(answer)) {
        simulation_.bells_.push_back(this);
    }
    SimulatedBell(const SimulatedBell&) = delete;
    SimulatedBell& operator=(const SimulatedBell&) = delete;
    ~SimulatedBell() override { std::erase(simulation_.bells_, this); }

    void ring() noexcept override {
        if (!rung_) {
            const Duration delay = simulation_.thread_delay();
            rung_ = Moment(simulation_.now_ + delay, simulation_.random_());
        }
    }
    // No effect: no other thread could ring while a poll waits.
    void keep_polling(bool) noexcept override {}

    const std::optional<Moment>& rung() const noexcept { return rung_; }
    void answer() {
        rung_.reset();
        answer_();
    }

private:
    Simulation& simulation_;
    std::function<void()> answer_;
    std::optional<Moment> rung_;  // when it shall be answered
};

Duration Simulation::thread_delay() noexcept {
    return thread_delay_ == Duration::zero()
               ? Duration::zero()
               : Duration(random_() % static_cast<std::uint64_t>(thread_delay_.count()));
}

std::unique_ptr<Poller::Bell> Simulation::make_bell(std::function<void()> answer) {
    if (++bells_made_ == failing_bell_) {
        throw std::system_error(EMFILE, std::generic_category(), "a way in for other threads");
    }
    return std::make_unique<SimulatedBell>(*this, std::move(answer));
}

void Simulation::start_work(Work& work) {
    const auto started = works_.emplace(&work, false).first;
    try {
        happen(thread_delay(), [this, &work] {
            // Removed first: done() may destroy the work or start another at its address.
            const bool cancelled = works_.extract(&work).mapped();
            if (!cancelled) {
                work.run();
            }
            work.done(cancelled);
        });
    } catch (...) {
        works_.erase(started);
        throw;
    }
}

void Simulation::visit_code(const Visit& visit) const {
    for (const auto& [work, cancelled] : works_) {
        visit(&typeid(*work), "work on another thread");
    }
}

void Simulation::cancel_work(Work& work) noexcept {
    if (const auto found = works_.find(&work); found != works_.end()) {
        found->second = true;
    }
}

// --- what happens outside

// Returns the bell to be answered next, or null if none was rung.
Simulation::SimulatedBell* Simulation::next_bell() const noexcept {
    SimulatedBell* next = nullptr;
    for (SimulatedBell* bell : bells_) {
        if (bell->rung() && (next == nullptr || *bell->rung() < *next->rung())) {
            next = bell;
        }
    }
    return next;
}

std::optional<Time> Simulation::next_outside() const noexcept {
    const SimulatedBell* bell = next_bell();
    if (bell == nullptr && outside_.empty()) {
        return std::nullopt;
    }
    const Time never = Time::max();
    return std::min(bell == nullptr ? never : bell->rung()->first,
                    outside_.empty() ? never : outside_.begin()->first.first);
}

void Simulation::happen_next() {
    SimulatedBell* const bell = next_bell();
    if (bell != nullptr && (outside_.empty() || *bell->rung() < outside_.begin()->first)) {
        bell->answer();
        return;
    }
    auto what = outside_.extract(outside_.begin());
    what.mapped()();
}

bool Simulation::poll(std::optional<Duration> wait) {
    const Time began = now_;
    const bool can_happen = look(wait);
    note_poll(began, now_);
    return can_happen;
}

bool Simulation::look(std::optional<Duration> wait) {
    ++polls_;
    if (std::exchange(woken_, false)) {
        wait = Duration::zero();
    }
    if (polls_ == failing_poll_) {
        return true;
    }
    const std::optional<Time> next = next_outside();
    if (next && (!wait || *next <= now_ + *wait)) {
        // Time never decreases, although a delayed bell may be due already.
        now_ = std::max(now_, *next);
        interrupted_ = false;
        for (auto due = next; due && *due <= now_ && !interrupted_; due = next_outside()) {
            happen_next();
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
