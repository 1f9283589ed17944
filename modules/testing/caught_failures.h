#pragma once

#include <string>
#include <utility>

#include "modules/testing/framework.h"

namespace weir {

/// While it lives, collects the kit's failure messages in a text, one per line, instead of failing
/// the test. For tests of the kit itself.
class CaughtFailures {
public:
    explicit CaughtFailures(std::string& caught)
        : used_(use_test_framework({
              .fail =
                  [&caught](const std::string& what) {
                      caught += (caught.empty() ? "" : "\n") + what;
                  },
              .only_this_test = {},
              .note = {},
          })) {}
    CaughtFailures(const CaughtFailures&) = delete;
    CaughtFailures& operator=(const CaughtFailures&) = delete;
    ~CaughtFailures() { use_test_framework(std::move(used_)); }

private:
    TestFramework used_;
};

}  // namespace weir
