#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace weir::webhook {

// A request that waits for its turn, or is under way. Data: a next version of the module takes it
// over.
struct Outgoing {
    std::string id;  // the same for each try: the receiver knows by it what it has already
    std::string method;
    std::string path;
    std::map<std::string, std::string> headers;
    std::string body;
};

}  // namespace weir::webhook
