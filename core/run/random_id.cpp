#include "core/run/random_id.h"

#include <cinttypes>
#include <cstdio>
#include <stdexcept>

#include <uv.h>

#include "core/run/uv_poller.h"

namespace weir {

// The random numbers of a poller are for the order of things: from some of them the others can be
// computed. Only where they are all that may be random, as in a simulation, ids are made of them.
std::string random_id(Poller& poller) {
    std::uint64_t number = 0;
    if (dynamic_cast<UvPoller*>(&poller) == nullptr) {
        number = poller.random();
    } else if (uv_random(nullptr, nullptr, &number, sizeof number, 0, nullptr) != 0) {
        throw std::runtime_error("the system has no random numbers");
    }
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016" PRIx64, number);
    return digits;
}

}  // namespace weir
