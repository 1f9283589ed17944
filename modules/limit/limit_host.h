#pragma once

#include <string>

#include "core/base/ref.h"
#include "modules/limit/limit.h"

namespace weir {

class Module;

}  // namespace weir

namespace weir::limit {

// What the module `limit` offers to other modules in C++: tickets of limits that the configuration
// names. A module says `.depends_on("limit").optional()`, and asks each time:
//
//     weir::Task<> greet(const weir::Module& module, std::string user) {
//         const weir::Ref<weir::limit::Limit> limit =
//             weir::limit::LimitHost::find(module, "greetings");
//         const auto ticket = co_await weir::limit::Limit::take(limit, user);
//         module.log().info("Hello {}", user);
//     }
//
// Programs and plugins that use it link with weir::limit.
class LimitHost {
public:
    // Returns the limit of that name; null if there is none, or no module `limit` now.
    static Ref<Limit> find(const Module& module, const std::string& name);

protected:
    LimitHost() = default;
    LimitHost(const LimitHost&) = default;
    LimitHost& operator=(const LimitHost&) = default;
    virtual ~LimitHost();

private:
    virtual Ref<Limit> find_limit(const std::string& name) const = 0;
};

}  // namespace weir::limit
