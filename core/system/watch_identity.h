#pragma once

#include "core/base/ref.h"

namespace weir {

/// What a watch is known by in its events, which share it: so its address is not given to another
/// watch while there are any.
class WatchIdentity : public RefCounted<WatchIdentity> {
public:
    virtual ~WatchIdentity() = default;
};

}  // namespace weir
