#include "modules/lock/fencing.h"

#include <fstream>
#include <memory>
#include <set>
#include <utility>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

using namespace weir;

namespace {

// A folder that is removed at the end of the test.
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

// Tokens that are reserved in a folder, without a clock.
FencingOptions in(const std::filesystem::path& folder, std::uint64_t block = 10) {
    return {.directory = folder, .block = block, .largest_block = block};
}

}  // namespace

TEST_CASE("tokens grow, also across restarts and blocks") {
    const Folder folder;
    std::uint64_t last = 0;
    for (int run = 0; run != 3; ++run) {
        FencingTokens tokens(in(folder.path / "state"));
        for (int i = 0; i != 25; ++i) {
            const std::uint64_t token = draw(tokens);
            CHECK(token > last);
            last = token;
        }
    }
    CHECK(last == 85);  // each run leaves the rest of its last block
}

TEST_CASE("the first token is the clock, or follows the reserved ones if the clock was set back") {
    const Folder folder;
    FencingOptions options = in(folder.path);
    options.start = 1'000'000;
    { CHECK(draw(*std::make_unique<FencingTokens>(options)) == 1'000'000); }
    options.start = 5000;
    { CHECK(draw(*std::make_unique<FencingTokens>(options)) == 1'000'010); }
    options.start = 3'000'000;
    { CHECK(draw(*std::make_unique<FencingTokens>(options)) == 3'000'000); }
}

TEST_CASE("without a state directory tokens start at the clock") {
    FencingTokens tokens({.start = 7});
    CHECK(draw(tokens) == 7);
    CHECK(draw(tokens) == 8);
}

TEST_CASE("tokens stay exact as JSON numbers, and end before they are not") {
    FencingTokens tokens({.start = FencingTokens::largest});
    CHECK(draw(tokens) == 9'007'199'254'740'991);
    CHECK_THROWS_WITH(draw(tokens), Catch::Contains("all numbers have been used"));
    const Folder folder;
    FencingOptions options = in(folder.path);
    options.start = FencingTokens::largest;
    CHECK_THROWS_WITH(FencingTokens(options), Catch::Contains("all numbers have been used"));
}

TEST_CASE("a corrupt, lost or unreadable file is an error and never a smaller token") {
    const Folder folder;
    { FencingTokens tokens(in(folder.path)); }
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
    SECTION("a pipe, which nobody writes") {
        std::filesystem::remove(file);
        REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    }
    CHECK_THROWS_AS(FencingTokens(in(folder.path)), FencingError);
    CHECK_THROWS_WITH(FencingTokens(in(folder.path)), Catch::Contains(file.string()));
}

TEST_CASE("where the folder is not required, a failure is reported and tokens start at the clock") {
    const Folder folder;
    write(folder.path / "file", "");
    std::string reported;
    FencingOptions options = in(folder.path / "file" / "state");
    options.start = 100;
    options.on_failure = [&](const std::string& reason) { reported += reason; };
    FencingTokens tokens(options);
    CHECK(draw(tokens) == 100);
    CHECK_THAT(reported, Catch::Contains("the state directory cannot be made"));
    SECTION("also if it fails later, at the next block") {
        reported.clear();
        options.directory = folder.path;
        FencingTokens later(options);
        std::filesystem::create_directory(folder.path / "fencing.new");  // in the way
        for (std::uint64_t i = 0; i != 100; ++i) {
            CHECK(draw(later) == 100 + i);
        }
        CHECK_THAT(reported, Catch::Contains("fencing.new"));
    }
}

TEST_CASE("processes that share a directory never draw the same token") {
    const Folder folder;
    FencingTokens first(in(folder.path, 2));
    FencingTokens second(in(folder.path, 2));
    std::set<std::uint64_t> drawn;
    std::uint64_t last_of_first = 0;
    std::uint64_t last_of_second = 0;
    for (int i = 0; i != 20; ++i) {
        const std::uint64_t one = draw(first);
        const std::uint64_t other = draw(second);
        CHECK(one > std::exchange(last_of_first, one));
        CHECK(other > std::exchange(last_of_second, other));
        drawn.insert({one, other});
    }
    CHECK(drawn.size() == 40);
}

TEST_CASE("under load blocks become larger, so that files are written rarely") {
    const Folder folder;
    FencingTokens tokens({.directory = folder.path, .block = 10, .largest_block = 40});
    for (int i = 0; i != 71; ++i) {  // 10, 20, 40 and one more
        draw(tokens);
    }
    FencingTokens next(in(folder.path));
    CHECK(draw(next) == 111);
}

TEST_CASE("when a block cannot be reserved there are no tokens until it can") {
    const Folder folder;
    FencingTokens tokens(in(folder.path, 2));
    CHECK(draw(tokens) == 1);
    CHECK(draw(tokens) == 2);
    std::filesystem::create_directory(folder.path / "fencing.new");  // in the way
    CHECK_THROWS_AS(draw(tokens), FencingError);
    CHECK_THROWS_AS(draw(tokens), FencingError);
    std::filesystem::remove(folder.path / "fencing.new");
    CHECK(draw(tokens) == 3);
}
