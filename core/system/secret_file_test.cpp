#include "core/system/secret_file.h"

#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/temporary_folder.h"
#include "tests/support/virtual_world.h"

using namespace weir;

TEST_CASE("each line of a file is a secret, but for blanks alone, and the first one a password") {
    const config::testing::TemporaryFolder folder;
    folder.write("secret", "\r\n \t\none\r\n\ntwo words\n");
    test::VirtualWorld world;
    const auto test = []() -> Task<> {
        const std::vector<std::string> secrets = co_await read_secret_lines("secret", "file");
        CHECK(secrets == std::vector<std::string>{"one", "two words"});
        const std::string password = co_await read_secret_line("secret", "file");
        CHECK(password == "one");
    };
    world.run(test());
}

TEST_CASE("a file without a secret is an error that names the setting") {
    const config::testing::TemporaryFolder folder;
    folder.write("empty", "");
    folder.write("blank", "\r\n\t\r\n  \n");
    folder.write("large", std::string(100'000, 'x'));
    test::VirtualWorld world;
    const auto error = [](std::string path) -> Task<std::string> {
        std::string said;
        try {
            co_await read_secret_line(path, "password_file");
        } catch (const std::runtime_error& failure) {
            said = failure.what();
        }
        co_return said;
    };
    const auto expect = [&error](const char* path, const char* expected) -> Task<> {
        const std::string said = co_await error(path);
        CHECK(said == expected);
    };
    const auto test = [&expect]() -> Task<> {
        co_await expect("empty", "password_file: empty: there is no secret in the file");
        co_await expect("blank", "password_file: blank: there is no secret in the file");
        co_await expect("large", "password_file: reading large: file too large (EFBIG)");
        co_await expect("none", "password_file: opening none: no such file or directory (ENOENT)");
    };
    world.run(test());
}
