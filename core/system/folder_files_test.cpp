#include "core/system/folder_files.h"

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/run/uv_poller.h"
#include "core/wait/future.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/world.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t whole = 1000;

// Opens files of the folder `site`, beside which there is a secret.
template <class P>
struct FolderWorldOn {
    explicit FolderWorldOn(SmallFiles how) : small_files(how) {
        fs::create_directories("site/sub");
        folder.write("site/a.txt", "0123456789");
        folder.write("site/sub/b.txt", "below");
        folder.write("site/empty", "");
        folder.write("site/large", std::string(whole + 1, 'x'));
        folder.write("secret", "secret");
        fs::create_symlink("../secret", "site/link");
        fs::create_symlink("..", "site/up");
        REQUIRE(::mkfifo("site/pipe", 0600) == 0);
    }

    std::optional<FolderFile> open(std::string path) {
        RoutineFuture<std::optional<FolderFile>> future(world.container,
                                                        files.open(std::move(path), whole));
        world.scheduler.run();
        REQUIRE(future.done());
        return future.result();
    }
    // The content; "-": there is no such file.
    std::string text(std::string path) {
        const std::optional<FolderFile> file = open(std::move(path));
        return file ? file->content.value_or("not read") : "-";
    }

    const SmallFiles small_files;
    config::testing::TemporaryFolder folder;  // the working folder
    test::WorldOn<P> world;
    FolderFiles files{world.scheduler, fs::current_path() / "site", 2, small_files};
};
using FolderWorld = FolderWorldOn<Simulation>;

// Whether files here can be opened and read without waiting. The folder of temporary files may be
// on another file system, and a container may forbid it.
bool system_opens_at_once() {
    struct statfs system {};
    REQUIRE(::statfs(".", &system) == 0);
    const FileDescriptor made(::open("probe", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(::write(made.number(), "x", 1) == 1);
    open_how how{};
    how.resolve = RESOLVE_CACHED;
    const FileDescriptor probe(
        static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, "probe", &how, sizeof(how))));
    char byte = 0;
    const iovec into{&byte, 1};
    return system.f_type == EXT4_SUPER_MAGIC &&
           ::preadv2(probe.number(), &into, 1, 0, RWF_NOWAIT) == 1;
}

// Makes a system call fail from now on, on this thread.
void forbid(unsigned call, unsigned error) {
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{4, program};
    REQUIRE(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    REQUIRE(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
}

}  // namespace

TEST_CASE("files below a folder are opened, small ones with their bytes") {
    FolderWorld world(GENERATE(SmallFiles::at_once, SmallFiles::on_threads));
    for (int i = 0; i != 2; ++i) {
        CHECK(world.text("a.txt") == "0123456789");
        CHECK(world.text("sub/b.txt") == "below");
        CHECK(world.text("empty").empty());
        CHECK(world.text("large") == "not read");
        CHECK(world.open("a.txt")->status.size == 10);
        CHECK(world.open("sub")->status.kind == FileKind::folder);
        CHECK(world.open("")->status.kind == FileKind::folder);
    }
    const FolderFile large = world.open("large").value();
    RoutineFuture<std::string> end(world.world.container, world.files.read(large, whole - 1, 100));
    world.world.scheduler.run();
    CHECK(end.result() == "xx");
}

TEST_CASE("no path leads out of a folder, and none to what is neither file nor folder") {
    FolderWorld world(GENERATE(SmallFiles::at_once, SmallFiles::on_threads));
    REQUIRE(world.text("a.txt") == "0123456789");
    for (const char* path :
         {"link", "up", "up/secret", "..", "../secret", "sub/../../secret", "sub/../a.txt", ".",
          "./a.txt", "sub//b.txt", "/a.txt", "a.txt/", "sub/", "a.txt/b", "pipe", "missing"}) {
        INFO(path);
        CHECK(world.text(path) == "-");
    }
    CHECK(world.text(fs::current_path() / "secret") == "-");
    CHECK(world.text(std::string("a.txt\0b", 7)) == "-");
}

TEST_CASE("a small file that the system has in memory is opened without another thread") {
    FolderWorld world(SmallFiles::at_once);
    if (!system_opens_at_once()) {
        WARN("files here cannot be read without waiting: nothing is tested");
        return;
    }
    CHECK(world.text("a.txt") == "0123456789");  // finds out where the folder is
    CHECK(world.files.opened_at_once() == 0);
    CHECK(world.text("a.txt") == "0123456789");
    CHECK(world.text("sub/b.txt") == "below");
    CHECK(world.text("empty").empty());
    CHECK(world.files.opened_at_once() == 3);
    for (const char* path : {"large", "sub", "link", "pipe", "missing"}) {
        world.open(path);
    }
    CHECK(world.files.opened_at_once() == 3);
    CHECK(world.files.may_open_at_once());
}

TEST_CASE("files are opened without another thread by libuv, but not in a simulation",
          "[threads]") {
    FolderWorldOn<UvPoller> real(SmallFiles::usual);
    const bool can = system_opens_at_once();
    CHECK(real.text("a.txt") == "0123456789");
    CHECK(real.text("a.txt") == "0123456789");
    CHECK(real.files.opened_at_once() == (can ? 1 : 0));
    FolderWorld simulated(SmallFiles::usual);
    CHECK_FALSE(simulated.files.may_open_at_once());
    CHECK(simulated.text("a.txt") == "0123456789");
    CHECK(simulated.files.opened_at_once() == 0);
}

TEST_CASE("a folder that is replaced is found again, also behind a symbolic link") {
    const SmallFiles how = GENERATE(SmallFiles::at_once, SmallFiles::on_threads);
    FolderWorld world(how);
    CHECK(world.text("a.txt") == "0123456789");
    CHECK(world.text("a.txt") == "0123456789");
    fs::rename("site", "old");
    CHECK_THROWS_WITH(world.text("a.txt"),
                      Catch::Contains("opening the folder") && Catch::Contains("(ENOENT)"));
    world.folder.write("site/a.txt", "new");
    CHECK(world.text("a.txt") == "new");
    fs::rename("site", "newer");
    fs::create_directory_symlink("old", "site");
    CHECK(world.text("a.txt") == "0123456789");
    CHECK(world.text("sub/b.txt") == "below");
}

TEST_CASE("another thread opens files on file systems that may ask a server") {
    test::World world;
    const auto opened_at_once = [&world](const char* folder, const std::string& path) {
        FolderFiles files(world.scheduler, folder, 1, SmallFiles::at_once);
        for (int i = 0; i != 2; ++i) {
            RoutineFuture<std::optional<FolderFile>> file(world.container, files.open(path, whole));
            world.scheduler.run();
            CHECK(file.result().has_value());
        }
        return files.opened_at_once();
    };
    CHECK(opened_at_once("/proc", "uptime") == 0);
    CHECK(opened_at_once("/", "proc/uptime") == 0);  // mounted below the folder
}

TEST_CASE("where the system refuses to open files at once, another thread opens them") {
    struct Refusal {
        unsigned call;
        unsigned error;
        bool is_final;
    };
    const Refusal refusal =
        GENERATE(Refusal{SYS_openat2, ENOSYS, true}, Refusal{SYS_openat2, EPERM, true},
                 Refusal{SYS_openat2, EINVAL, true}, Refusal{SYS_openat2, EAGAIN, false},
                 Refusal{SYS_statx, EPERM, true}, Refusal{SYS_preadv2, EOPNOTSUPP, true},
                 Refusal{SYS_preadv2, EAGAIN, false});
    FolderWorld world(SmallFiles::at_once);
    const bool can = system_opens_at_once();
    std::thread([&] {
        forbid(refusal.call, refusal.error);
        for (int i = 0; i != 3; ++i) {
            CHECK(world.text("a.txt") == "0123456789");
        }
    }).join();
    CHECK(world.files.opened_at_once() == 0);
    CHECK((!can || world.files.may_open_at_once() != refusal.is_final));
}

}  // namespace weir
