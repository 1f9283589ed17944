#include "modules/webhook/settings.h"

#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace weir::webhook {

TEST_CASE("each line of a file is a secret, but for blanks alone") {
    CHECK(secrets_in("one\r\n\n \t\ntwo words\n") == std::vector<std::string>{"one", "two words"});
    for (const char* text : {"", "\n", " ", "\r\n\t\r\n  \n"}) {
        CHECK_THROWS_AS(secrets_in(text), std::runtime_error);
    }
}

}  // namespace weir::webhook
