#pragma once

#include <string>

#include <weir/core.h>

// A measured temperature. By its index, a waiter chooses a room.
struct Measured : weir::Event {
    weir::Index<std::string> room;
    double degrees = 0;

    static auto declare() {
        return weir::declare_event<Measured>("extend.Measured").index("room", &Measured::room);
    }
};

// A source of events: sends what a driver measures on its own thread. The scheduler must outlive
// it.
class Thermometer {
public:
    explicit Thermometer(weir::Scheduler& scheduler) : scheduler_(scheduler), poster_(scheduler) {}

    // Sends the event. Any thread may call it.
    void measured(std::string room, double degrees) {
        poster_.post([&scheduler = scheduler_, room = std::move(room), degrees] {
            scheduler.emergency_send(weir::make_event<Measured>(room, degrees));
        });
    }

private:
    weir::Scheduler& scheduler_;
    weir::Poster poster_;
};
