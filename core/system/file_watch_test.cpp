#include "core/system/file_watch.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "core/run/container.h"
#include "core/run/uv_poller.h"
#include "core/simulation/simulation.h"
#include "core/wait/timeout.h"
#include "tests/support/world_on.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// A folder that is watched, in a world.
struct Place : test::WorldOn<UvPoller> {
    Place() { REQUIRE(::mkdtemp(folder.data()) != nullptr); }
    ~Place() { fs::remove_all(folder); }

    std::string operator/(const std::string& name) const { return folder + '/' + name; }
    void write(const std::string& name, const std::string& content) const {
        std::ofstream(*this / name, std::ios::binary) << content;
    }
    // As editors do it.
    void replace(const std::string& name, const std::string& content) const {
        write(name + ".new", content);
        fs::rename(*this / (name + ".new"), *this / name);
    }

    std::string folder = fs::temp_directory_path().string() + "/weir_watch.XXXXXX";
};

using Step = std::function<void()>;

// Makes one step after the other, each when the watch has told of the one before; notes the sizes
// of the file.
Task<> watch_steps(std::string path, std::vector<Step> steps, std::string& sizes) {
    FileWatch watch((co_await this_routine()).scheduler(), path);
    for (const Step& step : steps) {
        step();
        const std::optional<FileStatus> status = co_await watch.changed();
        sizes += status ? std::to_string(status->size) : "gone";
        sizes += ' ';
    }
}

Task<> write_slowly(Place& place) {
    for (std::size_t size = 1; size <= 5; ++size) {
        place.write("a", std::string(size, 'x'));
        co_await sleep(2ms);
    }
}

std::string sizes_seen(Place& place, const std::string& path, std::vector<Step> steps) {
    std::string sizes;
    place.container.start(watch_steps(path, std::move(steps), sizes));
    place.scheduler.run();
    for (const std::string& line : place.log) {
        sizes += line;
    }
    return sizes;
}

}  // namespace

TEST_CASE("a watched file is followed when it is written, replaced, removed and made") {
    Place place;
    place.write("a", "1");
    CHECK(sizes_seen(place, place / "a",
                     {
                         [&] { place.write("a", "12"); },
                         [&] { place.replace("a", "123"); },
                         [&] { place.replace("a", "1234"); },
                         [&] { fs::remove(place / "a"); },
                         [&] { place.write("a", "12345"); },
                         [&] { place.write("a", "123456"); },
                     }) == "2 3 4 gone 5 6 ");
}

TEST_CASE("a change before a routine waits is not lost, and other files do not matter") {
    Place place;
    place.write("a", "1");
    const auto work = [](Place& here, bool& told, bool& told_again) -> Task<> {
        FileWatch watch(here.scheduler, here / "a");
        here.replace("a", "12");
        co_await sleep(10ms);
        here.write("b", "1");
        co_await watch.changed();
        told = true;
        here.write("b", "12");
        told_again = (co_await execute_with_timeout(20ms, watch.changed())).has_value();
    };
    bool told = false;
    bool told_again = false;
    place.container.start(work(place, told, told_again));
    place.scheduler.run();
    CHECK(told);
    CHECK_FALSE(told_again);
}

TEST_CASE("a symbolic link that is replaced is a changed file") {
    Place place;
    // As Kubernetes does it with its configuration maps.
    fs::create_directories(place / "one");
    fs::create_directories(place / "two");
    place.write("one/a", "1");
    place.write("two/a", "12");
    fs::create_directory_symlink("one", place / "data");
    fs::create_symlink("data/a", place / "a");
    CHECK(sizes_seen(place, place / "a", {[&] {
                         fs::create_directory_symlink("two", place / "data.new");
                         fs::rename(place / "data.new", place / "data");
                     }}) == "2 ");
}

TEST_CASE("a watched file is found again when its folder was replaced") {
    Place place;
    fs::create_directories(place / "folder");
    place.write("folder/a", "1");
    CHECK(sizes_seen(place, place / "folder/a",
                     {
                         [&] {
                             fs::create_directories(place / "other");
                             place.write("other/a", "12");
                             fs::rename(place / "folder", place / "old");
                             fs::rename(place / "other", place / "folder");
                         },
                         [&] { place.write("folder/a", "123"); },
                         [&] { fs::remove_all(place / "folder"); },
                         [&] {
                             fs::create_directories(place / "folder");
                             place.write("folder/a", "1234");
                         },
                         [&] { place.write("folder/a", "12345"); },
                     }) == "2 3 gone 4 5 ");
}

TEST_CASE("a file that is written bit by bit has changed when it has settled") {
    Place place;
    const auto watch = [](Place& here, std::uint64_t& size) -> Task<> {
        FileWatch file(here.scheduler, here / "a");
        here.container.start(write_slowly(here));
        size = (co_await file.changed(500ms)).value().size;
    };
    std::uint64_t size = 0;
    place.container.start(watch(place, size));
    place.scheduler.run();
    CHECK(size == 5);
}

TEST_CASE("a file whose folder is missing cannot be watched") {
    Place place;
    CHECK_THROWS_WITH(
        FileWatch(place.scheduler, place / "none/a"),
        "watching folder " + (place / "none") + ": no such file or directory (ENOENT)");
    test::WorldOn<Simulation> simulated;
    CHECK_THROWS_AS(FileWatch(simulated.scheduler, place / "a"), std::logic_error);
}

}  // namespace weir
