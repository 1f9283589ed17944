#include "modules/store/database.h"

#include <sqlite3.h>

namespace weir::store {

namespace {

// A file that is locked by another program is not waited for.
constexpr const char* set_up =
    "PRAGMA locking_mode = EXCLUSIVE;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT NOT NULL,"
    " version INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER NOT NULL)"
    " WITHOUT ROWID;";

}  // namespace

class Database::Statement {
public:
    Statement(Database& database, const char* sql) : database_(database) {
        if (sqlite3_prepare_v2(database.database_, sql, -1, &statement_, nullptr) != SQLITE_OK) {
            database.fail();
        }
    }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    ~Statement() { sqlite3_finalize(statement_); }

    void bind(int position, const std::string& text) {
        // The text outlives the step.
        sqlite3_bind_text64(statement_, position, text.data(), text.size(), SQLITE_STATIC,
                            SQLITE_UTF8);
    }
    void bind(int position, std::int64_t number) {
        sqlite3_bind_int64(statement_, position, number);
    }
    // Returns whether there is a row.
    bool step() {
        const int result = sqlite3_step(statement_);
        if (result != SQLITE_ROW && result != SQLITE_DONE) {
            database_.fail();
        }
        return result == SQLITE_ROW;
    }
    void reset() { sqlite3_reset(statement_); }

    std::string text(int column) const {
        const auto* const begin =
            reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
        return begin == nullptr ? std::string() : std::string(begin, size);
    }
    std::int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }

private:
    Database& database_;
    sqlite3_stmt* statement_ = nullptr;
};

Database::Database(const std::string& file) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(file.c_str(), &database_, flags, nullptr) != SQLITE_OK) {
        const std::string why = database_ == nullptr ? "no memory" : sqlite3_errmsg(database_);
        sqlite3_close(database_);
        throw DatabaseError("cannot open " + file + ": " + why);
    }
    try {
        run(set_up);
    } catch (const DatabaseError& error) {
        sqlite3_close(database_);
        throw DatabaseError("cannot open " + file + ": " + error.what());
    }
}

Database::~Database() {
    sqlite3_close(database_);
}

void Database::run(const char* sql) {
    if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
        fail();
    }
}

void Database::fail() const {
    throw DatabaseError(sqlite3_errmsg(database_));
}

std::vector<Row> Database::read_all() {
    std::vector<Row> rows;
    Statement statement(*this, "SELECT key, value, version, expires FROM entries");
    while (statement.step()) {
        rows.push_back({statement.text(0), statement.text(1),
                        static_cast<std::uint64_t>(statement.number(2)), statement.number(3)});
    }
    return rows;
}

std::uint64_t Database::last_version() {
    Statement statement(*this, "SELECT value FROM state WHERE name = 'version'");
    return statement.step() ? static_cast<std::uint64_t>(statement.number(0)) : 0;
}

void Database::write(const std::vector<Row>& rows) {
    run("BEGIN IMMEDIATE");
    try {
        Statement put(*this, "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)");
        Statement remove(*this, "DELETE FROM entries WHERE key = ?");
        std::uint64_t version = 0;
        for (const Row& row : rows) {
            Statement& statement = row.value ? put : remove;
            statement.bind(1, row.key);
            if (row.value) {
                statement.bind(2, *row.value);
                statement.bind(3, static_cast<std::int64_t>(row.version));
                statement.bind(4, row.expires);
            }
            statement.step();
            statement.reset();
            version = row.version;
        }
        Statement state(*this, "INSERT OR REPLACE INTO state VALUES ('version', ?)");
        state.bind(1, static_cast<std::int64_t>(version));
        state.step();
        state.reset();
        run("COMMIT");
    } catch (...) {
        sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
        throw;
    }
}

}  // namespace weir::store
