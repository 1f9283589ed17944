#include "settings_file.h"

#include <cstdlib>
#include <filesystem>
#include <vector>

#include <catch2/catch.hpp>
#include <weir/core.h>

// Replaces the file each time that its content was seen.
static weir::Task<> replace_twice(std::string path, const std::vector<std::string>& seen) {
    for (const std::size_t count : {1, 2, 3}) {
        while (seen.size() != count) {
            co_await weir::sleep(std::chrono::milliseconds(1));
        }
        if (count != 3) {
            co_await weir::replace_file(path, std::string(count + 1, 'x'));
        }
    }
}

TEST_CASE("a settings file that is replaced is read again") {
    std::string folder = std::filesystem::temp_directory_path().string() + "/weir_follow.XXXXXX";
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    const std::string path = folder + "/settings";
    weir::UvPoller world;
    weir::Scheduler scheduler(world, {.queue = weir::standard_root()});
    weir::add_standard_queues(scheduler.queue());
    weir::Container container(scheduler);
    std::vector<std::string> seen;
    container.start(weir::replace_file(path, "x"), {.foreground = true});
    scheduler.run();
    container.start(follow_file(path, [&](std::string content) { seen.push_back(content); }),
                    {.daemon = true});
    container.start(replace_twice(path, seen));
    scheduler.run();
    CHECK(seen == std::vector<std::string>{"x", "xx", "xxx"});
    std::filesystem::remove_all(folder);
}
