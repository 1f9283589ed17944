#pragma once

#include <cstdio>
#include <string>

#include <unistd.h>

// For tests of modules that keep something in a file.
namespace weir::database {

// The name of a database that is not there at first, and gone at the end.
class TestFile {
public:
    // `test` differs from that of all other tests of the program.
    explicit TestFile(const std::string& test)
        : name_("/tmp/weir_" + test + "." + std::to_string(::getpid())) {
        remove();
    }
    TestFile(const TestFile&) = delete;
    TestFile& operator=(const TestFile&) = delete;
    ~TestFile() { remove(); }

    const std::string& name() const noexcept { return name_; }
    // Returns the setting of a module that keeps its file there: "file": NAME.
    std::string setting() const { return R"("file": ")" + name_ + '"'; }
    // Removes it, with what SQLite keeps beside it.
    void remove() const noexcept {
        for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
            std::remove((name_ + suffix).c_str());
        }
    }

private:
    const std::string name_;
};

}  // namespace weir::database
