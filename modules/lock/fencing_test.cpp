#include "modules/lock/fencing.h"

#include <fstream>
#include <memory>

#include <catch2/catch.hpp>
#include <unistd.h>

using namespace weir;

namespace {

// A folder that goes at the end of the test.
struct Folder {
    std::filesystem::path path;
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "weir-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() { std::filesystem::remove_all(path); }
};

std::uint64_t draw(FencingTokens& tokens) {
    tokens.ensure();
    return tokens.next();
}

void write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::trunc) << text;
}

}  // namespace

TEST_CASE("Tokens grow, also across restarts and blocks") {
    const Folder folder;
    std::uint64_t last = 0;
    for (int run = 0; run != 3; ++run) {
        FencingTokens tokens(folder.path / "state", 10);
        for (int i = 0; i != 25; ++i) {
            const std::uint64_t token = draw(tokens);
            CHECK(token > last);
            last = token;
        }
    }
    CHECK(last == 85);  // each run leaves the rest of its last block
}

TEST_CASE("Without a state directory tokens start at 1") {
    FencingTokens tokens;
    CHECK(draw(tokens) == 1);
    CHECK(draw(tokens) == 2);
}

TEST_CASE("A corrupt, lost or unreadable file is an error and never a smaller token") {
    const Folder folder;
    { FencingTokens tokens(folder.path, 10); }
    const std::filesystem::path file = folder.path / "fencing";
    std::string content;
    std::getline(std::ifstream(file), content);
    SECTION("empty") {
        write(file, "");
    }
    SECTION("cut off") {
        write(file, content.substr(0, content.size() - 1));
    }
    SECTION("another number") {
        write(file, "weir-fencing-1 5 17\n");
    }
    SECTION("something behind") {
        write(file, content + "\nmore\n");
    }
    SECTION("long") {
        write(file, std::string(5000, 'x'));
    }
    SECTION("lost") {
        std::filesystem::remove(file);
    }
    SECTION("no file at all") {
        std::filesystem::remove(file);
        std::filesystem::create_directory(file);
    }
    CHECK_THROWS_AS(FencingTokens(folder.path, 10), FencingError);
    CHECK_THROWS_WITH(FencingTokens(folder.path, 10), Catch::Contains(file.string()));
}

TEST_CASE("Two cannot use the same directory at a time") {
    const Folder folder;
    auto first = std::make_unique<FencingTokens>(folder.path);
    CHECK_THROWS_WITH(FencingTokens(folder.path),
                      Catch::Contains("another process uses this state directory"));
    first.reset();
    CHECK_NOTHROW(FencingTokens(folder.path));
}

TEST_CASE("When a block cannot be reserved there are no tokens until it can") {
    const Folder folder;
    FencingTokens tokens(folder.path, 2);
    CHECK(draw(tokens) == 1);
    CHECK(draw(tokens) == 2);
    std::filesystem::create_directory(folder.path / "fencing.new");  // in the way
    CHECK_THROWS_AS(draw(tokens), FencingError);
    CHECK_THROWS_AS(draw(tokens), FencingError);
    std::filesystem::remove(folder.path / "fencing.new");
    CHECK(draw(tokens) == 3);
}
