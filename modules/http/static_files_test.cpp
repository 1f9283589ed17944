#include "modules/http/static_files.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modules/http/http_error.h"
#include "modules/http/router.h"
#include "modules/http/test_world.h"
#include "tests/support/sanitizer.h"
#include "tests/support/temporary_folder.h"

namespace weir::http {

namespace {

namespace fs = std::filesystem;

// A folder with some files at /files, and a secret beside it.
struct StaticWorld {
    StaticWorld() {
        fs::create_directories(site / "sub");
        write(site / "first", "[first]");
        write(site / "a.txt", "0123456789");
        write(site / "index.html", "<p>index</p>");
        write(site / "sub" / "index.html", "<p>sub</p>");
        write(site / ".hidden", "hidden");
        write(site / "big.bin", std::string(300'000, 'x'));
        write(fs::current_path() / "secret", "secret");
        fs::create_symlink(fs::current_path() / "secret", site / "link");
        fs::create_symlink(fs::current_path(), site / "up");
        REQUIRE(::mkfifo((site / "pipe").c_str(), 0600) == 0);
    }

    static void write(const fs::path& path, const std::string& content) {
        std::ofstream(path) << content;
    }

    // Asks for another file before, of which the folder becomes known.
    std::string ask(const std::string& target, const std::string& headers = "",
                    const std::string& method = "GET") {
        std::unique_ptr<StaticFiles> files;
        Router router;
        HttpWorld world([&router](Exchange& exchange) { return router.handle(exchange); });
        files = std::make_unique<StaticFiles>(world.scheduler, site.string(), "index.html",
                                              small_files);
        const auto route = router.add("GET", "/files/*",
                                      [&](Exchange& exchange) { return files->handle(exchange); });
        const std::string answered =
            world.send({"GET /files/first HTTP/1.1\r\nHost: x\r\n\r\n",
                        method + " " + target + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n"});
        const std::size_t second = answered.find("[first]");
        REQUIRE(second != std::string::npos);
        return answered.substr(second + 7);
    }
    // The status and the body.
    std::string get(const std::string& target, const std::string& headers = "") {
        const std::string answered = ask(target, headers);
        return answered.substr(9, 3) + " " + answered.substr(answered.find("\r\n\r\n") + 4);
    }

    const SmallFiles small_files = GENERATE(SmallFiles::at_once, SmallFiles::on_threads);
    config::testing::TemporaryFolder folder;  // the working folder
    const fs::path site = fs::current_path() / "site";
};

std::string header(const std::string& answered, const std::string& name) {
    const std::size_t begin = answered.find("\r\n" + name + ": ") + name.size() + 4;
    return answered.substr(begin, answered.find("\r\n", begin) - begin);
}

}  // namespace

TEST_CASE("files are served with their types, and folders by their index") {
    StaticWorld world;
    CHECK(world.get("/files/a.txt") == "200 0123456789");
    CHECK(world.get("/files/") == "200 <p>index</p>");
    CHECK(world.get("/files/sub/") == "200 <p>sub</p>");
    CHECK(world.get("/files/big.bin") == "200 " + std::string(300'000, 'x'));
    CHECK(header(world.ask("/files/a.txt"), "Content-Type") == "text/plain; charset=utf-8");
    CHECK(header(world.ask("/files/big.bin"), "Content-Type") == "application/octet-stream");
    const std::string moved = world.ask("/files/sub?a=b");
    CHECK(moved.starts_with("HTTP/1.1 301 "));
    CHECK(header(moved, "Location") == "/files/sub/?a=b");
    CHECK(header(world.ask("/files"), "Location") == "/files/");
    const std::string head = world.ask("/files/a.txt", "", "HEAD");
    CHECK(header(head, "Content-Length") == "10");
    CHECK(head.ends_with("\r\n\r\n"));
}

TEST_CASE("nothing outside of the folder is served, however it is called") {
    StaticWorld world;
    for (const char* target :
         {"/files/../secret", "/files/%2e%2e/secret", "/files/..%2fsecret",
          "/files/sub/../../secret", "/files/link", "/files/up/secret", "/files//secret",
          "/files/.hidden", "/files/pipe", "/files/%2fetc%2fpasswd", "/files/missing",
          "/files/a.txt/", "/files/./a.txt", "/files/a.txt/b", "/secret"}) {
        INFO(target);
        CHECK(world.ask(target).starts_with("HTTP/1.1 404 "));
    }
}

TEST_CASE("a server without file descriptors asks to come again for a file, which is not missing") {
    if (sanitizer_needs_files) {
        return;
    }
    const StaticWorld world;
    std::unique_ptr<StaticFiles> files;
    rlimit usual{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
    const auto without_descriptors = [&](Exchange& exchange) -> Task<> {
        const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        REQUIRE(::close(next) == 0);
        // Enough for the folder, and not for the file.
        const rlimit low{static_cast<rlim_t>(next) + 1, usual.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
        Response response{.status = 500};
        try {
            co_await files->handle(exchange);
        } catch (const HttpError& error) {
            response = error.response();
        }
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &usual) == 0);
        if (!exchange.begun()) {
            co_await exchange.respond(std::move(response));
        }
    };
    HttpWorld http(without_descriptors);
    files = std::make_unique<StaticFiles>(http.scheduler, world.site.string(), "index.html",
                                          world.small_files);
    std::string answered;
    http.run_with_log(http.serve(), http.write_all({"GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n"}, {}),
                      http.read_all(answered));
    CHECK(answered.starts_with("HTTP/1.1 503 "));
    CHECK(answered.find("\r\nRetry-After: 1\r\n") != std::string::npos);
    CHECK(answered.find("EMFILE") == std::string::npos);
    REQUIRE(http.log.size() == 1);
    CHECK(http.log[0].find("opening a file in ") != std::string::npos);
    CHECK(http.log[0].find("EMFILE") != std::string::npos);
}

TEST_CASE("a range of a file is sent, if the file is still the same") {
    StaticWorld world;
    CHECK(world.get("/files/a.txt", "Range: bytes=2-4\r\n") == "206 234");
    CHECK(world.get("/files/a.txt", "Range: bytes=8-\r\n") == "206 89");
    CHECK(world.get("/files/a.txt", "Range: bytes=-3\r\n") == "206 789");
    CHECK(world.get("/files/a.txt", "Range: bytes=5-100\r\n") == "206 56789");
    CHECK(world.get("/files/a.txt", "Range: bytes=0-1,3-4\r\n") == "200 0123456789");
    CHECK(world.get("/files/a.txt", "Range: bytes=4-2\r\n") == "200 0123456789");
    CHECK(world.get("/files/a.txt", "Range: lines=1\r\n") == "200 0123456789");
    const std::string part = world.ask("/files/a.txt", "Range: bytes=2-4\r\n");
    CHECK(header(part, "Content-Range") == "bytes 2-4/10");
    const std::string none = world.ask("/files/a.txt", "Range: bytes=10-\r\n");
    CHECK(none.starts_with("HTTP/1.1 416 "));
    CHECK(header(none, "Content-Range") == "bytes */10");
    const std::string tag = header(part, "ETag");
    CHECK(world.get("/files/a.txt", "Range: bytes=2-4\r\nIf-Range: " + tag + "\r\n") == "206 234");
    CHECK(world.get("/files/a.txt", "Range: bytes=2-4\r\nIf-Range: \"old\"\r\n") ==
          "200 0123456789");
}

TEST_CASE("a client that has the file already is told so") {
    StaticWorld world;
    const std::string whole = world.ask("/files/a.txt");
    const std::string tag = header(whole, "ETag");
    const std::string date = header(whole, "Last-Modified");
    CHECK(world.get("/files/a.txt", "If-None-Match: " + tag + "\r\n") == "304 ");
    CHECK(world.get("/files/a.txt", "If-None-Match: \"x\", W/" + tag + "\r\n") == "304 ");
    CHECK(world.get("/files/a.txt", "If-None-Match: \"x\"\r\n") == "200 0123456789");
    CHECK(world.get("/files/a.txt", "If-Modified-Since: " + date + "\r\n") == "304 ");
    CHECK(world.get("/files/a.txt", "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n") ==
          "200 0123456789");
    CHECK(world.ask("/files/a.txt", "If-Match: \"x\"\r\n").starts_with("HTTP/1.1 412 "));
    CHECK(world.get("/files/a.txt", "If-Match: " + tag + "\r\n") == "200 0123456789");
}

}  // namespace weir::http
