#pragma once

#include <functional>
#include <string_view>

namespace weir {

// A Poller that can tell which code it is going to run, or lets another thread run meanwhile: so
// that a loader sees whether a library is still needed.
class PendingCode {
public:
    using Visit = std::function<void(const void* address, std::string_view what)>;

    // Calls the function for each such piece of code with an address of it, its object's or its
    // type's, and with what it is. Words that are no addresses may be among them.
    virtual void visit_code(const Visit& visit) const = 0;

protected:
    ~PendingCode() = default;
};

}  // namespace weir
