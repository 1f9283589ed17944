#include "modules/zookeeper/credentials.h"

#include <utility>

namespace weir::zookeeper {

std::string wrong_credentials(const std::vector<Credentials>& credentials) {
    bool logs_in = false;
    for (const Credentials& one : credentials) {
        if (one.scheme == sasl_scheme && one.text.find(':') == std::string::npos) {
            return "for the scheme sasl, the text is USER:PASSWORD";
        }
        if (one.scheme == sasl_scheme && std::exchange(logs_in, true)) {
            return "a session logs in by the scheme sasl once only";
        }
    }
    return {};
}

}  // namespace weir::zookeeper
