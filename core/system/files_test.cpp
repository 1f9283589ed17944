#include "core/system/files.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "core/run/uv_poller.h"
#include "core/wait/future.h"
#include "tests/support/world.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// A folder that exists while the object lives.
class Folder {
public:
    Folder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { fs::remove_all(path_); }

    std::string operator/(const std::string& name) const { return path_ + '/' + name; }
    const std::string& path() const { return path_; }

    std::string write(const std::string& name, const std::string& content) const {
        std::ofstream(*this / name, std::ios::binary) << content;
        return *this / name;
    }
    std::string read(const std::string& name) const {
        std::ifstream file(*this / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    std::vector<std::string> names() const {
        std::vector<std::string> found;
        for (const auto& entry : fs::directory_iterator(path_)) {
            found.push_back(entry.path().filename());
        }
        std::ranges::sort(found);
        return found;
    }

private:
    std::string path_ = fs::temp_directory_path().string() + "/weir_files.XXXXXX";
};

// Runs the task in a world of its own. Throws what it throws.
template <class P, class T>
T result_in(Task<T> task) {
    test::WorldOn<P> world;
    RoutineFuture<T> future(world.container, std::move(task));
    world.scheduler.run();
    REQUIRE(future.done());
    if constexpr (!std::is_void_v<T>) {
        return std::move(const_cast<T&>(future.result()));
    } else {
        future.result();
    }
}
template <class T>
T result_of(Task<T> task) {
    return result_in<Simulation>(std::move(task));
}

}  // namespace

TEST_CASE("a file is read as a whole") {
    const Folder folder;
    const std::string large = std::string(100'000, 'x') + "end";
    CHECK(result_of(read_file(folder.write("large", large))) == large);
    CHECK(result_of(read_file(folder.write("empty", ""))).empty());
    const std::string nulls("a\0b", 3);
    CHECK(result_of(read_file(folder.write("nulls", nulls))) == nulls);
    // It has no size.
    CHECK(result_of(read_file("/proc/self/status")).starts_with("Name:"));
}

TEST_CASE("files are read and replaced on libuv's threads", "[threads]") {
    const Folder folder;
    result_in<UvPoller>(replace_file(folder / "a", "hello"));
    CHECK(result_in<UvPoller>(read_file(folder / "a")) == "hello");
}

TEST_CASE("a file that is longer than allowed is an error") {
    const Folder folder;
    const std::string path = folder.write("a", "12345");
    CHECK(result_of(read_file(path, 5)) == "12345");
    CHECK_THROWS_WITH(result_of(read_file(path, 4)),
                      "reading " + path + ": file too large (EFBIG)");
}

TEST_CASE("a file that is missing is an error that names it") {
    CHECK_THROWS_WITH(result_of(read_file("/nowhere/at/all")),
                      "opening /nowhere/at/all: no such file or directory (ENOENT)");
}

TEST_CASE("a file is made, and replaced with the permissions that it has") {
    const Folder folder;
    result_of(replace_file(folder / "a", "one", 0600));
    CHECK(folder.read("a") == "one");
    CHECK(result_of(file_status(folder / "a"))->mode == 0600);
    result_of(replace_file(folder / "a", "two"));
    CHECK(folder.read("a") == "two");
    CHECK(result_of(file_status(folder / "a"))->mode == 0600);
    CHECK(folder.names() == std::vector<std::string>{"a"});
}

TEST_CASE("a file that cannot be replaced keeps its content, and nothing else is left") {
    const Folder folder;
    folder.write("a", "old");
    fs::create_directory(folder / "a.folder");
    folder.write("a.folder/b", "");
    CHECK_THROWS_WITH(result_of(replace_file(folder / "a.folder", "new")),
                      Catch::Contains("(EISDIR)"));
    CHECK_THROWS_WITH(result_of(replace_file(folder / "none/a", "new")),
                      "making a temporary file for " + (folder / "none/a") +
                          ": no such file or directory (ENOENT)");
    CHECK(folder.read("a") == "old");
    CHECK(folder.names() == std::vector<std::string>{"a", "a.folder"});
}

TEST_CASE("the status of a file says what it is") {
    const Folder folder;
    const std::string path = folder.write("a", "12345");
    const FileStatus file = result_of(file_status(path)).value();
    CHECK(file.kind == FileKind::file);
    CHECK(file.size == 5);
    CHECK(std::chrono::system_clock::now() - file.modified < 1h);
    const FileStatus same = result_of(file_status(folder.path())).value();
    CHECK(same.kind == FileKind::folder);
    CHECK_FALSE(same.same_file(file));
    CHECK_FALSE(result_of(file_status(folder / "b")).has_value());
    CHECK_FALSE(result_of(file_status(folder / "a/b")).has_value());
}

TEST_CASE("files are renamed and removed") {
    const Folder folder;
    folder.write("a", "a");
    folder.write("b", "b");
    result_of(rename_file(folder / "a", folder / "b"));
    CHECK(folder.read("b") == "a");
    CHECK(result_of(remove_file(folder / "b")));
    CHECK_FALSE(result_of(remove_file(folder / "b")));
    CHECK_THROWS_WITH(result_of(rename_file(folder / "a", folder / "b")),
                      Catch::Contains("no such file"));
}

TEST_CASE("folders are made with those above them, listed in order, and removed when empty") {
    const Folder folder;
    CHECK(result_of(make_folder(folder / "x/y")));
    CHECK_FALSE(result_of(make_folder(folder / "x/y")));
    folder.write("b", "");
    fs::create_symlink("nowhere", folder / "a");
    const std::vector<FolderEntry> entries = result_of(list_folder(folder.path()));
    REQUIRE(entries.size() == 3);
    CHECK((entries[0].name == "a" && entries[0].kind == FileKind::link));
    CHECK((entries[1].name == "b" && entries[1].kind == FileKind::file));
    CHECK((entries[2].name == "x" && entries[2].kind == FileKind::folder));
    CHECK_THROWS_WITH(result_of(remove_folder(folder / "x")), Catch::Contains("not empty"));
    CHECK(result_of(remove_folder(folder / "x/y")));
    CHECK_FALSE(result_of(remove_folder(folder / "x/y")));
    result_of(sync_folder(folder.path()));
    CHECK_THROWS_WITH(result_of(list_folder(folder / "none")), Catch::Contains("no such file"));
}

TEST_CASE("an open file is read and written at any position") {
    const Folder folder;
    const auto work = [](std::string path) -> Task<std::string> {
        File file = co_await File::open(path, OpenMode::create);
        co_await file.write(0, "hello world");
        co_await file.write(6, "there");
        co_await file.sync();
        std::string read = co_await file.read(6, 100);
        const std::string behind = co_await file.read(100, 1);
        CHECK(behind.empty());
        co_await file.resize(5);
        const FileStatus status = co_await file.status();
        CHECK(status.size == 5);
        co_return read;
    };
    CHECK(result_of(work(folder / "a")) == "there");
    CHECK(folder.read("a") == "hello");
    CHECK_THROWS_WITH(result_of(File::open(folder / "a", OpenMode::create)),
                      Catch::Contains("(EEXIST)"));
}

TEST_CASE("what is appended goes to the end of the file") {
    const Folder folder;
    folder.write("a", "one ");
    const auto append = [](std::string path) -> Task<> {
        File file = co_await File::open(path, OpenMode::append);
        co_await file.write(0, "two ");
        co_await file.write(0, "three");
    };
    result_of(append(folder / "a"));
    CHECK(folder.read("a") == "one two three");
}

TEST_CASE("a file stays open until the operations of a closed routine have ended", "[threads]") {
    const Folder folder;
    test::WorldOn<UvPoller> world;
    const auto write = [](std::string path) -> Task<> {
        File file = co_await File::open(path, OpenMode::create);
        co_await file.write(0, std::string(10'000'000, 'x'));
        co_await file.sync();
    };
    const Ref<Routine> routine = world.container.start(write(folder / "a"));
    const auto close_soon = [](Routine& writer, std::string path) -> Task<> {
        for (bool exists = false; !exists;) {
            exists = (co_await file_status(path)).has_value();
        }
        writer.close();
    };
    world.container.start(close_soon(*routine, folder / "a"));
    world.scheduler.run();
    CHECK(routine->ended());
    CHECK(world.log.empty());
}

}  // namespace weir
