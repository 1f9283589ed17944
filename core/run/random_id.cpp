#include "core/run/random_id.h"

#include <cinttypes>
#include <cstdio>

namespace weir {

std::string random_id(Poller& poller) {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016" PRIx64, poller.random());
    return digits;
}

}  // namespace weir
