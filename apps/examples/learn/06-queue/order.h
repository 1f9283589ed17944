#pragma once

#include <string>

#include <weir/module.h>

// An order of bread. By its index, a waiter chooses the orders of one customer.
struct Order : weir::Event {
    weir::Index<std::string> customer;
    int loaves = 1;

    static auto declare() {
        return weir::declare_event<Order>("bakery.Order")
            .index("customer", &Order::customer)
            .blocking();
    }
};
