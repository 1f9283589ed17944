#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

struct sqlite3;

namespace weir::store {

// The database cannot be opened, read or written; what() says why.
class DatabaseError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// What the file keeps of a key.
struct Row {
    std::string key;
    std::optional<std::string> value;  // JSON; nothing: the key is deleted
    std::uint64_t version = 0;
    std::int64_t expires = 0;  // microseconds since 1970; 0: never
};

// The file of a store, a database of SQLite. What write() has returned for survives a crash of the
// program, and of the machine. Blocks: to be used on a thread that may wait, by one at a time.
class Database {
public:
    // Opens the file, or makes it. Throws DatabaseError: also if another program has it open.
    explicit Database(const std::string& file);
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    // Returns all rows, in no particular order.
    std::vector<Row> read_all();
    // Returns the largest version that was ever written; 0: none.
    std::uint64_t last_version();
    // Writes all rows, or none of them. Throws DatabaseError.
    void write(const std::vector<Row>& rows);

private:
    class Statement;

    void run(const char* sql);
    [[noreturn]] void fail() const;

    sqlite3* database_ = nullptr;
};

}  // namespace weir::store
