#pragma once

#include <string>
#include <utility>

#include "modules/testing/framework.h"

namespace weir {

// As long as it lives, what the kit says to the test framework goes into a text instead, one line
// each: for tests of what is itself part of tests.
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
