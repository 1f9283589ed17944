#include "compress.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <weir/core.h>

TEST_CASE("a file is compressed by a program that reads and writes streams") {
    std::string folder = (std::filesystem::temp_directory_path() / "weir-gzip-XXXXXX").string();
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    std::ofstream(folder + "/letter") << std::string(500'000, 'a');
    weir::UvPoller world;
    weir::Scheduler scheduler(world, {.queue = weir::standard_root()});
    weir::add_standard_queues(scheduler.queue());
    weir::Container container(scheduler);
    const weir::RoutineFuture<std::uint64_t> size(
        container, compress(folder + "/letter", folder + "/letter.gz"));
    scheduler.run();
    CHECK(size.result() < 2'000);
    CHECK(std::filesystem::file_size(folder + "/letter.gz") == size.result());
    std::string begin(2, ' ');
    std::ifstream(folder + "/letter.gz", std::ios::binary).read(begin.data(), 2);
    CHECK(begin == "\x1f\x8b");  // as each file of gzip
    std::filesystem::remove_all(folder);
}
