#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

struct sqlite3;

namespace weir::database {

// The database cannot be opened, read or written; what() says which file it is, why, and what to do
// about it.
class DatabaseError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Returns the error of a file whose content is not what weir has written.
DatabaseError damaged(const std::string& file, const std::string& why);

using Cell = std::variant<std::nullptr_t, std::int64_t, std::string>;
using Row = std::vector<Cell>;

// What the files of one module are.
struct Layout {
    std::int32_t id;     // marks the file as one of that module
    const char* owner;   // which module that is
    const char* tables;  // SQL that makes the tables unless they are there
};

// A statement of SQL that changes something, with the values of its parameters.
struct Change {
    const char* sql;  // a constant
    Row values;
};

// An open file, as one version of a module hands it to the next: code of neither is needed to close
// it.
using Handle = std::unique_ptr<sqlite3, int (*)(sqlite3*)>;

// The file of a module, a database of SQLite. What write() has returned for survives a crash of the
// program, and of the machine. Blocks: to be used on a thread that may wait, by one at a time.
class Database {
public:
    // Opens the file, or makes it. Throws DatabaseError: also if another program or module has it
    // open, or if it is the file of another module.
    Database(const std::string& file, const Layout& layout);
    // Takes over an open file.
    explicit Database(Handle handle) noexcept;
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    // Returns the name of the open file.
    std::string file() const;
    // Gives the open file away. Requires that nothing is called afterwards.
    Handle release() noexcept;
    // Returns the rows that a query finds.
    std::vector<Row> read(const char* sql);
    // Makes all changes, in their order, or none of them. Throws DatabaseError.
    void write(const std::list<Change>& changes);

private:
    class Statement;

    Statement& statement(const char* sql);
    void mark(const std::string& file, const Layout& layout);
    void run(const char* sql);
    [[noreturn]] void fail() const;

    sqlite3* database_ = nullptr;
    std::map<const char*, std::unique_ptr<Statement>> statements_;  // of changes
};

}  // namespace weir::database
