#pragma once

#include <cstdint>
#include <string>

namespace weir::zookeeper {

// What a client needs to go on with a session: its number, and the password that the servers gave
// it.
struct SessionKey {
    std::int64_t id = 0;
    std::string password;
};

}  // namespace weir::zookeeper
