#include "modules/files/operations.h"

#include <cerrno>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/run/system_error.h"
#include "modules/files/beneath.h"
#include "modules/system/call/api_error.h"
#include "tests/support/temporary_folder.h"

namespace weir::files {
namespace {

// Parameters about a path, and what else of them is set.
template <class P, class Set>
P about(const std::string& path, Set set) {
    P parameters;
    parameters.root = "r";
    parameters.path = path;
    set(parameters);
    return parameters;
}
template <class P>
P about(const std::string& path) {
    return about<P>(path, [](P&) {});
}

// A root, with a folder beside it that is none of its business.
struct World {
    World() {
        ::mkdir(root.c_str(), 0755);
        ::mkdir(outside.c_str(), 0755);
        put(outside + "/secret", "secret");
    }

    static void put(const std::string& path, const std::string& content) {
        std::ofstream(path, std::ios::binary) << content;
    }
    static std::string get(const std::string& path) {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    static bool is_there(const std::string& path) {
        struct stat found {};
        return ::lstat(path.c_str(), &found) == 0;
    }
    static mode_t mode(const std::string& path) {
        struct stat found {};
        REQUIRE(::stat(path.c_str(), &found) == 0);
        return found.st_mode & 07777U;
    }

    std::string read(const std::string& path, std::uint64_t at_most = 100) const {
        return read_below(root, about<ReadParameters>(path), at_most).content;
    }
    void write(const std::string& path, const std::string& content) const {
        write_below(root, about<WriteParameters>(path), content);
    }
    void append(const std::string& path, const std::string& content, bool is_line = false) const {
        append_below(root, about<AppendParameters>(path), content, is_line);
    }
    void move(const std::string& from, const std::string& to, bool replace = false) const {
        move_below({root, root}, moving(from, to, replace));
    }
    static MoveParameters moving(const std::string& from, const std::string& to, bool replace) {
        MoveParameters parameters;
        parameters.from = from;
        parameters.to = to;
        parameters.replace = replace;
        return parameters;
    }
    bool remove(const std::string& path) const {
        return remove_below(root, about<RemoveParameters>(path));
    }

    config::testing::TemporaryFolder folder;
    std::string root = "root";
    std::string outside = "outside";
};

// The code of the error that the operation ends with; "" if it does not.
template <class F>
std::string code_of(F operation) {
    try {
        operation();
    } catch (const ApiException& error) {
        return error.error().code;
    }
    return "";
}

}  // namespace

TEST_CASE("a file has what was written, and is read whole or in parts") {
    const World world;
    world.write("a", "first");
    world.write("a", "h\xc3\xa9llo");
    CHECK(world.read("a") == "h\xc3\xa9llo");
    CHECK(world.read("a", 6) == "h\xc3\xa9llo");
    CHECK(code_of([&] { world.read("a", 5); }) == "too_large");
    const auto part = [&](std::uint64_t position, std::uint64_t most) {
        return read_below(
            world.root, about<ReadParameters>("a", [&](auto& p) { p.position = position; }), most);
    };
    CHECK(part(0, 2).content == "h");  // a character is not cut
    CHECK(part(0, 2).next == 1);
    CHECK(part(1, 3).content == "\xc3\xa9l");
    CHECK(part(6, 3).content == "");
    CHECK(part(9, 3).next == 9);
    CHECK(part(1, 3).size == 6);
    CHECK(code_of([&] { world.read("b"); }) == "not_found");
    CHECK(code_of([&] { world.read("a/b"); }) == "not_found");
}

TEST_CASE("a read takes the memory of what there is, not of what there may be") {
    const World world;
    world.write("a", "0123456789");
    const FileContent small = read_below(world.root, about<ReadParameters>("a"), 16 * 1024 * 1024);
    CHECK(small.content == "0123456789");
    CHECK(small.content.capacity() < 10'000);
    const std::string large(100'000, 'x');
    world.write("b", large);
    const FileContent whole = read_below(world.root, about<ReadParameters>("b"), 16 * 1024 * 1024);
    CHECK(whole.content == large);
    CHECK(whole.content.capacity() < 200'000);
}

TEST_CASE("a file whose size is not known before is read whole") {
    std::ifstream map("/proc/self/maps");
    const std::string expected{std::istreambuf_iterator<char>(map), {}};
    const FileContent read = read_below("/proc/self", about<ReadParameters>("maps"), 1 << 24);
    CHECK(read.content.size() > expected.size() / 2);
    CHECK(read.content.size() > 4096);
}

TEST_CASE("bytes that are no text are read in Base64") {
    const World world;
    World::put(world.root + "/bytes", std::string("\0\xff", 2));
    CHECK(code_of([&] { world.read("bytes"); }) == "not_text");
    const auto content = read_below(
        world.root, about<ReadParameters>("bytes", [](auto& p) { p.coding = Coding::base64; }), 10);
    CHECK(content.content == "AP8=");
}

TEST_CASE("no path leads out of the root") {
    const World world;
    World::put(world.root + "/in", "in");
    for (const char* path : {"", "/etc/passwd", "../outside/secret", "a/../../outside/secret", "..",
                             ".", "a//b", "a/", "./in"}) {
        INFO(path);
        CHECK(code_of([&] { world.read(path); }) == "bad_parameter");
        CHECK(code_of([&] { world.write(path, "x"); }) == "bad_parameter");
        CHECK(code_of([&] { world.append(path, "x"); }) == "bad_parameter");
        CHECK(code_of([&] { world.move("in", path); }) == "bad_parameter");
        CHECK(code_of([&] { world.move(path, "out"); }) == "bad_parameter");
        CHECK(code_of([&] { world.remove(path); }) == "bad_parameter");
    }
    CHECK(code_of([&] { world.read(std::string("in\0x", 4)); }) == "bad_parameter");
    CHECK(code_of([&] { world.read(std::string(5000, 'x')); }) == "bad_parameter");
    CHECK(code_of([&] { list_below(world.root, about<ListParameters>("../outside")); }) ==
          "bad_parameter");
    CHECK(World::get(world.outside + "/secret") == "secret");
    CHECK(world.read("in") == "in");
}

TEST_CASE("symbolic links are not followed, as a file and on the way to one") {
    const World world;
    REQUIRE(::symlink("../outside", (world.root + "/way").c_str()) == 0);
    REQUIRE(::symlink("../outside/secret", (world.root + "/link").c_str()) == 0);
    REQUIRE(::symlink("../outside/new", (world.root + "/dangling").c_str()) == 0);
    CHECK(code_of([&] { world.read("way/secret"); }) == "not_found");
    CHECK(code_of([&] { world.write("way/new", "x"); }) == "not_found");
    CHECK(code_of([&] { world.append("way/secret", "x"); }) == "not_found");
    CHECK(code_of([&] { world.remove("way/secret"); }) == "not_found");
    CHECK(code_of([&] { world.move("way/secret", "mine"); }) == "not_found");
    CHECK(code_of([&] { list_below(world.root, about<ListParameters>("way")); }) == "not_found");
    for (const char* link : {"link", "dangling", "way"}) {
        CHECK(code_of([&] { world.read(link); }) == "not_a_file");
        CHECK(code_of([&] { world.write(link, "x"); }) == "not_a_file");
        CHECK(code_of([&] { world.append(link, "x"); }) == "not_a_file");
    }
    CHECK(list_below(world.root, about<ListParameters>("", [](auto& p) { p.recursive = true; }))
              .entries.size() == 3);
    CHECK(world.remove("link"));
    CHECK(!World::is_there(world.root + "/link"));
    CHECK(World::get(world.outside + "/secret") == "secret");
    CHECK(!World::is_there(world.outside + "/new"));
}

TEST_CASE("special files are refused, and none is waited for") {
    const World world;
    REQUIRE(::mkfifo((world.root + "/pipe").c_str(), 0644) == 0);
    ::mkdir((world.root + "/folder").c_str(), 0755);
    std::vector<std::string> special{"pipe", "folder"};
    if (::mknod((world.root + "/null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0) {
        special.emplace_back("null");  // as root only
    }
    world.write("file", "x");
    for (const std::string& path : special) {
        INFO(path);
        CHECK(code_of([&] { world.read(path); }) == "not_a_file");
        CHECK(code_of([&] { world.write(path, "x"); }) == "not_a_file");
        CHECK(code_of([&] { world.append(path, "x"); }) == "not_a_file");
        CHECK(code_of([&] { world.remove(path); }) == "not_a_file");
        CHECK(code_of([&] { world.move("file", path, true); }) == "not_a_file");
        CHECK(World::is_there(world.root + "/" + path));
    }
    CHECK(code_of([&] { world.move("pipe", "other"); }) == "not_a_file");
}

TEST_CASE("a new content comes whole, with the permissions of the file, and leaves nothing else") {
    const World world;
    world.write("new", "1");
    CHECK(World::mode(world.root + "/new") == 0644);
    REQUIRE(::chmod((world.root + "/new").c_str(), 0600) == 0);
    const int reader = ::open((world.root + "/new").c_str(), O_RDONLY);
    world.write("new", "22");
    CHECK(World::mode(world.root + "/new") == 0600);
    write_below(world.root, about<WriteParameters>("new", [](auto& p) { p.mode = "0640"; }), "333");
    CHECK(World::mode(world.root + "/new") == 0640);
    char old[10] = {};
    CHECK(::read(reader, old, sizeof old) == 1);  // who reads the old one reads all of it
    ::close(reader);
    CHECK(world.read("new") == "333");
    CHECK(list_below(world.root, about<ListParameters>("")).entries.size() == 1);
    CHECK(code_of([&] { world.write("a/b/c", "x"); }) == "not_found");
    write_below(world.root, about<WriteParameters>("a/b/c", [](auto& p) { p.make_folders = true; }),
                "x");
    CHECK(world.read("a/b/c") == "x");
}

TEST_CASE("a line that is appended begins where a line begins") {
    const World world;
    world.append("log", "one\n", true);
    world.append("log", "tw");  // as when its writer was killed
    world.append("log", "three\n", true);
    CHECK(world.read("log") == "one\ntw\nthree\n");
}

namespace {

// No file gets longer, as if the disk were full.
class FullDisk {
public:
    explicit FullDisk(rlim_t size) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
        const rlimit limit{size, before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

private:
    void (*handler_)(int);
    rlimit before_{};
};

}  // namespace

TEST_CASE("what fails to be appended leaves the file as it was") {
    const World world;
    world.append("log", "one\n");
    std::string code;
    {
        const FullDisk full(6);
        code = code_of([&] { world.append("log", "two\n"); });
    }
    CHECK(code == "failed");
    CHECK(world.read("log") == "one\n");
    world.append("log", "two\n");
    CHECK(world.read("log") == "one\ntwo\n");
}

TEST_CASE("what the system refuses has a code that says what is to be done about it") {
    const World world;
    const auto code = [](int error) { return code_of([&] { fail("writing", "a", error); }); };
    CHECK(code(EACCES) == "denied");
    CHECK(code(EPERM) == "denied");
    CHECK(code(EROFS) == "denied");
    CHECK(code(ENOSPC) == "no_space");
    CHECK(code(EDQUOT) == "no_space");
    CHECK(code(EXDEV) == "bad_parameter");
    CHECK(code(EIO) == "failed");
    CHECK(SystemError::reason(-EDQUOT) == "disk quota exceeded (EDQUOT)");
    CHECK(code_of([&] { world.write(std::string(300, 'x'), "x"); }) == "bad_parameter");
    ::mkdir((world.root + "/folder").c_str(), 0755);
    CHECK(code_of([&] { world.move("folder", "folder/inner"); }) == "bad_parameter");
}

TEST_CASE("a file that would be too long is rotated, and as many are kept as it is wanted") {
    const World world;
    const auto append = [&](const std::string& content, std::uint32_t keep) {
        append_below(world.root,
                     about<AppendParameters>("log",
                                             [&](auto& p) {
                                                 p.mode = "0600";
                                                 p.rotate_at = {4};
                                                 p.keep = keep;
                                             }),
                     content, false);
    };
    for (const char* content : {"aa", "bb", "c", "dddddd", "e"}) {
        append(content, 2);
    }
    CHECK(world.read("log") == "e");
    CHECK(world.read("log.1") == "dddddd");
    CHECK(world.read("log.2") == "c");
    CHECK(!World::is_there(world.root + "/log.3"));
    CHECK(World::mode(world.root + "/log") == 0600);
    append("ffff", 0);
    CHECK(world.read("log") == "ffff");
    CHECK(world.read("log.1") == "dddddd");
}

TEST_CASE("files and folders are moved, and take a place only if that is wanted") {
    const World world;
    world.write("a", "a");
    world.write("b", "b");
    CHECK(code_of([&] { world.move("a", "b"); }) == "exists");
    CHECK(code_of([&] { world.move("c", "d"); }) == "not_found");
    CHECK(world.read("b") == "b");
    world.move("a", "b", true);
    CHECK(world.read("b") == "a");
    ::mkdir((world.root + "/folder").c_str(), 0755);
    world.move("b", "folder/b");
    world.move("folder", "other");
    CHECK(world.read("other/b") == "a");
    move_below({world.root, world.outside}, World::moving("other/b", "b", false));
    CHECK(World::get(world.outside + "/b") == "a");
    CHECK(world.remove("a") == false);
}

TEST_CASE("folders are listed, one below the other, as patterns choose") {
    const World world;
    for (const char* path : {"b.txt", "a.txt", "x/c.txt", "x/y/d.txt", "x/e.log"}) {
        write_below(world.root,
                    about<WriteParameters>(path, [](auto& p) { p.make_folders = true; }), "12");
    }
    const auto names = [&](const std::string& path, const std::string& pattern, bool recursive) {
        const auto what = about<ListParameters>(path, [&](auto& p) {
            p.pattern = pattern;
            p.recursive = recursive;
        });
        std::string all;
        for (const FileEntry& entry : list_below(world.root, what).entries) {
            all += entry.path + ' ';
        }
        return all;
    };
    CHECK(names("", "*", false) == "a.txt b.txt x ");
    CHECK(names("", "*.txt", true) == "a.txt b.txt x/c.txt x/y/d.txt ");
    CHECK(names("x", "y/*", true) == "x/y/d.txt ");
    CHECK(names("x/y", "*", false) == "x/y/d.txt ");
    const Listing cut =
        list_below(world.root, about<ListParameters>("", [](auto& p) { p.at_most = 2; }));
    CHECK(cut.cut);
    CHECK(cut.entries.size() == 2);
    const Listing all =
        list_below(world.root, about<ListParameters>("", [](auto& p) { p.pattern = "a*"; }));
    REQUIRE(all.entries.size() == 1);
    CHECK(all.entries[0].size == 2);
    CHECK(all.entries[0].kind == EntryKind::file);
    CHECK(all.entries[0].modified.size() == 20);
    CHECK(!all.cut);
}

TEST_CASE("permissions are octal, and set no more than reading, writing and executing") {
    CHECK(mode_of("0640") == 0640U);
    CHECK(mode_of("755") == 0755U);
    for (const char* wrong : {"", "64", "0888", "4755", "00755", "rw-"}) {
        CHECK(!mode_of(wrong));
    }
}

}  // namespace weir::files
