#include "modules/testing/writes.h"

#include <cstring>
#include <fstream>

#include <catch2/catch.hpp>
#include <uv.h>

#include "modules/lock/fencing.h"
#include "tests/support/temporary_folder.h"

namespace weir {

TEST_CASE("the n-th write fails, in any library", "[testing]") {
    const config::testing::TemporaryFolder folder;  // also the working folder
    std::ofstream stream("stream");
    {
        const WriteFailure failure(2);
        stream << "one" << std::flush;
        CHECK(stream.good());
        stream << "two" << std::flush;
        CHECK(stream.bad());
        CHECK(failure.happened());
    }
    uv_fs_t request;
    const int file =
        uv_fs_open(nullptr, &request, "uv", UV_FS_O_WRONLY | UV_FS_O_CREAT, 0600, nullptr);
    REQUIRE(file >= 0);
    char text[] = "three";
    const uv_buf_t bytes = uv_buf_init(text, 5);
    {
        const WriteFailure failure(1, EIO);
        CHECK(uv_fs_write(nullptr, &request, file, &bytes, 1, 0, nullptr) == UV_EIO);
    }
    CHECK(uv_fs_write(nullptr, &request, file, &bytes, 1, 0, nullptr) == 5);
    uv_fs_close(nullptr, &request, file, nullptr);
}

TEST_CASE("fencing tokens that cannot be reserved are not issued, whichever write fails",
          "[testing]") {
    for (std::uint64_t nth = 1;; ++nth) {
        const config::testing::TemporaryFolder folder;  // also the working folder
        std::uint64_t before = 0;
        bool failed = false;
        const FencingOptions options{.directory = "state", .block = 2, .largest_block = 2};
        {
            const WriteFailure failure(nth);
            try {
                FencingTokens tokens(options);
                for (int i = 0; i != 5; ++i) {
                    tokens.ensure();
                    before = tokens.next();
                }
            } catch (const FencingError&) {
                failed = true;
            }
            CHECK(failed == failure.happened());
        }
        FencingTokens again(options);
        again.ensure();
        CHECK(again.next() > before);  // no token is issued twice
        if (!failed) {
            CHECK(nth > 4);
            return;
        }
    }
}

}  // namespace weir
