#include "modules/files/folder_tree.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <catch2/catch.hpp>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/temporary_folder.h"

namespace weir::files {
namespace {

namespace fs = std::filesystem;

// Lets no file be opened meanwhile, as when the process has too many.
class NoDescriptors {
public:
    NoDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit none = before_;
        none.rlim_cur = 0;
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;
    ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

FolderTree::Options all_below(const std::string& folder) {
    return {.folder = folder,
            .patterns = {"*"},
            .recursive = true,
            .max_folders = 1000,
            .max_files = 1000};
}

std::size_t files_of(const FolderTree::Looks& looks) {
    std::size_t there = 0;
    for (const auto& [path, seen] : looks.files) {
        there += seen ? 1 : 0;
    }
    return there;
}

}  // namespace

TEST_CASE("a folder that cannot be opened for now is not taken for an empty one") {
    const config::testing::TemporaryFolder folder;
    fs::create_directories("root/new");
    std::ofstream("root/new/file") << "x";
    FolderTree tree(all_below("root"));
    CHECK(files_of(tree.look_at_all()) == 1);
    const FolderTree::Looks looks = [&] {
        const NoDescriptors none;
        return tree.look_at_all();
    }();
    CHECK_FALSE(looks.is_open);
    CHECK(looks.is_there);
    CHECK(looks.folders.empty());
    CHECK(looks.problem.value_or("").starts_with("opening the folder: "));
}

TEST_CASE("a new folder that cannot be opened is a problem, as any other") {
    if (::geteuid() == 0 && ::seteuid(65534) != 0) {
        return;  // root may open all
    }
    {
        const config::testing::TemporaryFolder folder;
        fs::create_directories("root/new");
        FolderTree tree(all_below("root"));
        CHECK_FALSE(tree.look_at_all().problem);
        fs::permissions("root/new", fs::perms::none);
        const FolderTree::Looks looks = tree.look({"new"});
        fs::permissions("root/new", fs::perms::owner_all);
        CHECK(looks.problem.value_or("").starts_with("opening new: "));
        CHECK(looks.folders.empty());
    }
    if (::getuid() == 0) {
        REQUIRE(::seteuid(0) == 0);
    }
}

TEST_CASE("a folder that lies too deep is left out, and named") {
    const config::testing::TemporaryFolder folder;
    std::string deep;
    for (std::size_t depth = 0; depth != FolderTree::deepest; ++depth) {
        deep += "d/";
    }
    fs::create_directories("root/" + deep + "e");
    std::ofstream("root/" + deep + "file") << "x";
    std::ofstream("root/" + deep + "e/file") << "x";
    FolderTree tree(all_below("root"));
    const FolderTree::Looks looks = tree.look_at_all();
    CHECK(looks.too_deep == deep + "e");
    CHECK(files_of(looks) == 1);
    CHECK_FALSE(looks.problem);
    CHECK(tree.look({deep + "e"}).too_deep == deep + "e");
}

}  // namespace weir::files
