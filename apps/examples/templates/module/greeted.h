#pragma once

#include <string>

#include <weir/module.h>

// The module has greeted a person. Routines wait for it with match<Greeted>(), or for one person
// with match<Greeted>("Ann").
struct Greeted : weir::Event {
    weir::Index<std::string> person;

    static auto declare() {
        return weir::declare_event<Greeted>("sample.Greeted").index("person", &Greeted::person);
    }
};
