#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir::redis {

// What a server answers, in version 2 or 3 of the Redis protocol.
struct Reply {
    enum class Type {
        nil,
        boolean,  // `integer` is 0 or 1; version 3 only
        integer,
        number,  // of any size, with a fraction; version 3 only
        text,    // any bytes
        status,  // a short text of the server, as OK
        error,   // a word in capitals, and a message: "ERR unknown command"
        list,    // also a set
        map,     // `items` are name, value, name, value, ...; version 3 only
        push,    // a list that answers no command; version 3 only
    };

    Type type = Type::nil;
    std::int64_t integer = 0;
    double number = 0;
    std::string text = {};
    std::vector<Reply> items = {};

    bool is_error() const noexcept { return type == Type::error; }
};

}  // namespace weir::redis
