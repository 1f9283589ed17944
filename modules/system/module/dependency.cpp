#include "modules/system/module/dependency.h"

namespace weir {

std::string to_string(const ApiVersion& version) {
    return std::to_string(version.major) + '.' + std::to_string(version.minor);
}

std::string version_difference(const std::string& user, const Dependency& dependency,
                               const std::string& module, const ApiVersion& found) {
    if (!dependency.least || found.satisfies(*dependency.least)) {
        return {};
    }
    return "'" + user + "' needs version " + to_string(*dependency.least) + " of the API of '" +
           module + "', which has version " + to_string(found);
}

}  // namespace weir
