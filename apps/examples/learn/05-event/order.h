#pragma once

#include <string>

#include "core/event/event.h"

// Somebody wants bread. It has an index, by which others wait for the orders of one customer.
struct Order : weir::Event {
    weir::Index<std::string> customer;
    int loaves = 1;

    static auto declare() {
        return weir::declare_event<Order>("bakery.Order")
            .index("customer", &Order::customer)
            .blocking();
    }
};
