#include "modules/lock/backend.h"

#include <algorithm>
#include <string>

#include "modules/lock/errors.h"

namespace weir {
namespace {

bool has_identity(const IndexValue& key) {
    if (key.kind() == IndexValue::Kind::tuple) {
        return std::ranges::any_of(key.tuple(), has_identity);
    }
    return key.kind() == IndexValue::Kind::identity;
}

}  // namespace

void require_shareable(const IndexValue& key, std::string_view who) {
    if (has_identity(key)) {
        throw LockError("the key " + key.describe() +
                        " is an object of this process, and cannot be locked by " +
                        std::string(who));
    }
}

}  // namespace weir
