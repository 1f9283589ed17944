#include "apps/weir/new_command.h"

#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>
#include <stdlib.h>

#include "apps/weir/exit_code.h"

namespace weir::app {

namespace {

namespace fs = std::filesystem;

const fs::path templates = WEIR_SOURCE_DIR "/apps/examples/templates";

// An empty folder, gone with this object.
class Folder {
public:
    Folder() {
        std::string path = "/tmp/weir-new-XXXXXX";
        REQUIRE(mkdtemp(path.data()) != nullptr);
        path_ = path;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { fs::remove_all(path_); }

    const fs::path& path() const { return path_; }
    std::string read(const std::string& name) const {
        std::ifstream file(path_ / name);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    // Names of all files below it, sorted.
    std::vector<std::string> files() const {
        std::vector<std::string> names;
        for (const auto& file : fs::recursive_directory_iterator(path_)) {
            if (file.is_regular_file()) {
                names.push_back(fs::relative(file.path(), path_).string());
            }
        }
        std::sort(names.begin(), names.end());
        return names;
    }

private:
    fs::path path_;
};

}  // namespace

TEST_CASE("weir new: a module has the name everywhere") {
    const Folder folder;
    REQUIRE(make_new("module", "tea_house", folder.path(), templates) == success);
    CHECK(folder.files() == std::vector<std::string>{"tea_house/CMakeLists.txt",
                                                     "tea_house/README.md", "tea_house/greeted.h",
                                                     "tea_house/tea_house.cpp",
                                                     "tea_house/tea_house_test.cpp"});
    for (const std::string& name : folder.files()) {
        INFO(name);
        CHECK(folder.read(name) != "");
        CHECK(folder.read(name).find("sample") == std::string::npos);
        CHECK(folder.read(name).find("Sample") == std::string::npos);
    }
    CHECK(folder.read("tea_house/tea_house.cpp").find("WEIR_PLUGIN(tea_house, TeaHouse)") !=
          std::string::npos);
}

TEST_CASE("weir new: an app is a module with an app file") {
    const Folder folder;
    REQUIRE(make_new("app", "shop", folder.path(), templates) == success);
    CHECK(folder.files() == std::vector<std::string>{"shop/CMakeLists.txt", "shop/README.md",
                                                     "shop/greeted.h", "shop/shop.cpp",
                                                     "shop/shop.json", "shop/shop_test.cpp"});
    CHECK(folder.read("shop/shop.json").find("unix:shop.sock") != std::string::npos);
    CHECK(folder.read("shop/README.md").find("An app of weir") != std::string::npos);
}

TEST_CASE("weir new: the page of an app is named by the address at which it listens") {
    const Folder folder;
    const auto page_of = [&](const std::string& http) {
        const fs::path file = folder.path() / "app.json";
        std::ofstream(file) << R"({"module": {"http": )" << http << "}}";
        return address_of_page(file);
    };
    CHECK(page_of(R"({"page": true, "listen": ["unix:a", "tcp://127.0.0.1:8080"]})") ==
          "http://127.0.0.1:8080/ui/");
    CHECK(page_of(R"({"page": true, "listen": [{"address": "tls://[::1]:${WEIR_NO_PORT:-9}"}]})") ==
          "https://[::1]:9/ui/");
    CHECK(page_of(R"({"page": false, "listen": ["tcp://127.0.0.1:8080"]})") == "");
    CHECK(page_of(R"({"listen": ["tcp://127.0.0.1:8080"]})") == "");
    CHECK(page_of(R"({"page": true, "listen": ["unix:a"]})") == "");
    CHECK(page_of("no JSON") == "");
}

TEST_CASE("weir new: an app can be a copy of one that comes with weir") {
    const Folder apps;
    std::ofstream(apps.path() / "cron.json") << "{}";
    std::ofstream(apps.path() / "weir.schema.json") << "[]";
    const Folder folder;
    REQUIRE(make_like("cron", "nightly", folder.path(), apps.path()) == success);
    CHECK(folder.files() == std::vector<std::string>{"nightly/nightly.json"});
    CHECK(folder.read("nightly/nightly.json") == "{}");
    CHECK(make_like("cron", "nightly", folder.path(), apps.path()) == failure);
    CHECK(make_like("weir.schema", "other", folder.path(), apps.path()) == wrong_usage);
    CHECK(make_like("cron", "../other", folder.path(), apps.path()) == wrong_usage);
    CHECK(folder.files() == std::vector<std::string>{"nightly/nightly.json"});
}

TEST_CASE("weir new: a copy of an app has the scripts that it runs") {
    const Folder apps;
    std::ofstream(apps.path() / "cron.json") << "{}";
    fs::create_directory(apps.path() / "cron");
    const fs::path script = apps.path() / "cron" / "backup.sh";
    std::ofstream(script) << "#!/bin/sh\n";
    fs::permissions(script, fs::perms::owner_all);
    const Folder folder;
    REQUIRE(make_like("cron", "nightly", folder.path(), apps.path()) == success);
    CHECK(folder.files() == std::vector<std::string>{"nightly/backup.sh", "nightly/nightly.json"});
    CHECK(folder.read("nightly/backup.sh") == "#!/bin/sh\n");
    CHECK(fs::status(folder.path() / "nightly/backup.sh").permissions() == fs::perms::owner_all);
}

TEST_CASE("weir new: an existing folder stays as it is") {
    const Folder folder;
    fs::create_directory(folder.path() / "shop");
    CHECK(make_new("module", "shop", folder.path(), templates) == failure);
    CHECK(folder.files().empty());
}

TEST_CASE("weir new: without templates there is no folder") {
    const Folder folder;
    CHECK(make_new("module", "shop", folder.path(), folder.path() / "nowhere") == failure);
    CHECK_FALSE(fs::exists(folder.path() / "shop"));
}

TEST_CASE("weir new: where no folder can be made, it says so") {
    CHECK(make_new("module", "shop", "/nowhere/at/all", templates) == failure);
}

TEST_CASE("weir new: names that a module cannot have") {
    for (const char* good : {"a", "shop", "tea_house2"}) {
        CHECK(wrong_module_name(good) == "");
    }
    for (const char* bad :
         {"", "Shop", "2go", "_a", "tea-house", "../shop", "a b", "tee\xc3\xa9"}) {
        INFO(bad);
        CHECK(wrong_module_name(bad) ==
              "expected a letter a-z, then letters a-z, digits and '_', at most 40 in all");
    }
    CHECK(wrong_module_name(std::string(41, 'a')) != "");
    CHECK(wrong_module_name("server") == "the name has another meaning");
    CHECK(wrong_module_name("shop_test") == "names of tests end with _test");
    CHECK(wrong_module_name("fuzz_shop") == "names of fuzzers begin with fuzz_");
}

}  // namespace weir::app
