#pragma once

namespace weir {

class Module;

}  // namespace weir

namespace weir::zookeeper {

class Session;

// What the module `zookeeper` offers to other modules in C++: the one session of the process, as
// `SessionHost::of(*this).session()`. A module that uses it depends on `zookeeper`; the session
// then lives as long as the module does, also when `zookeeper` is reloaded. Programs and plugins
// link with weir::zookeeper.
class SessionHost {
public:
    // Returns that of the server's module `zookeeper`. Throws std::runtime_error if it is not
    // loaded.
    static SessionHost& of(const Module& module);

    virtual Session& session() noexcept = 0;

protected:
    SessionHost() = default;
    SessionHost(const SessionHost&) = default;
    SessionHost& operator=(const SessionHost&) = default;
    virtual ~SessionHost();
};

}  // namespace weir::zookeeper
