#include "core/calendar/clock_watch.h"

#include <cerrno>
#include <cstdint>
#include <limits>

#include <sys/timerfd.h>
#include <unistd.h>

#include "core/event/event.h"
#include "core/run/scheduler.h"
#include "core/run/system_error.h"
#include "core/simulation/simulation.h"
#include "core/system/descriptor.h"

namespace weir {
namespace {

// A timer that never fires: the system cancels it when the clock is set.
class SystemClockWatch final : public ClockWatch {
public:
    explicit SystemClockWatch(Scheduler& scheduler) : watch_(scheduler, make_timer()) {}

    const Matcher& was_set() override {
        std::uint64_t expirations = 0;
        // Fails with ECANCELED once after the clock was set.
        [[maybe_unused]] const ssize_t ignored =
            ::read(watch_.descriptor(), &expirations, sizeof expirations);
        watch_.arm(Readiness::readable);
        return watch_.matcher(Readiness::readable);
    }

private:
    static FileDescriptor make_timer() {
        FileDescriptor timer(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
        itimerspec never{};
        never.it_value.tv_sec = std::numeric_limits<std::int32_t>::max() * std::int64_t{4};
        if (!timer || ::timerfd_settime(timer.number(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
                                        &never, nullptr) != 0) {
            throw SystemError("watching the clock", -errno);
        }
        return timer;
    }

    DescriptorWatch watch_;
};

struct ClockSetEvent : Event {
    Index<const ClockWatch*> watch;

    static auto declare() {
        return declare_event<ClockSetEvent>("weir.ClockSetEvent")
            .index("watch", &ClockSetEvent::watch);
    }
};

class SimulatedClockWatch final : public ClockWatch, public Simulation::WallClockUser {
public:
    SimulatedClockWatch(Scheduler& scheduler, Simulation& simulation) : scheduler_(scheduler) {
        simulation.add_wall_clock_user(*this);
    }

    const Matcher& was_set() override { return matcher_; }
    void wall_clock_was_set() override {
        const ClockWatch* const identity = this;
        scheduler_.emergency_send(make_event<ClockSetEvent>(identity));
    }

private:
    Matcher made() const {
        const ClockWatch* const identity = this;
        return match<ClockSetEvent>(identity).make();
    }

    Scheduler& scheduler_;
    const Matcher matcher_ = made();
};

}  // namespace

std::unique_ptr<ClockWatch> ClockWatch::make(Scheduler& scheduler) {
    if (auto* simulation = dynamic_cast<Simulation*>(&scheduler.poller())) {
        return std::make_unique<SimulatedClockWatch>(scheduler, *simulation);
    }
    return std::make_unique<SystemClockWatch>(scheduler);
}

}  // namespace weir
