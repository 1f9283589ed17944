#pragma once

#include <string_view>

namespace weir {

class Module;

}  // namespace weir

namespace weir::redis {

class Client;

// What a module of the plugin `redis` offers to other modules in C++: its connection, as
// `ClientHost::of(*this).client()`. A module that uses it depends on that module, which its
// configuration may name; the client then lives as long as it does, also when `redis` is reloaded.
// Link with weir::redis.
class ClientHost {
public:
    // Returns the server's module of that name. Throws std::runtime_error if there is none, or if
    // it is of another plugin.
    static ClientHost& of(const Module& module, std::string_view name = "redis");

    virtual Client& client() noexcept = 0;

protected:
    ClientHost() = default;
    ClientHost(const ClientHost&) = default;
    ClientHost& operator=(const ClientHost&) = default;
    virtual ~ClientHost();
};

}  // namespace weir::redis
