#pragma once

#include "config/document/fragments.h"
#include "config/settings/description.h"

namespace weir::config {

/// Takes the fragments of a setting, under its name and its aliases, out of `named`.
Fragments take_setting(NamedFragments& named, const Setting& setting);

}  // namespace weir::config
