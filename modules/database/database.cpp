#include "modules/database/database.h"

#include <cstddef>
#include <utility>

#include <sqlite3.h>

namespace weir::database {

namespace {

// A file that is locked by another program is not waited for.
constexpr const char* of_all_files =
    "PRAGMA locking_mode = EXCLUSIVE;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;";

// Returns why the last call of a database has failed.
DatabaseError error_of(sqlite3* database, const std::string& file) {
    const std::string why = sqlite3_errmsg(database);
    switch (sqlite3_errcode(database) & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return damaged(file, why);
        case SQLITE_BUSY:
            return DatabaseError(file + ": " + why +
                                 ": another program, or another module of this one, has it open");
        default:
            return DatabaseError(file + ": " + why);
    }
}

}  // namespace

DatabaseError damaged(const std::string& file, const std::string& why) {
    return DatabaseError(
        file + " is damaged (" + why +
        "): put a copy of it back that is whole, or, to begin with nothing, move it away with " +
        file + "-wal and " + file + "-shm");
}

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

    // The values must outlive the steps.
    void bind(const Row& values) {
        for (std::size_t i = 0; i != values.size(); ++i) {
            const int position = static_cast<int>(i) + 1;
            int result = SQLITE_OK;
            if (const auto* const number = std::get_if<std::int64_t>(&values[i])) {
                result = sqlite3_bind_int64(statement_, position, *number);
            } else if (const auto* const text = std::get_if<std::string>(&values[i])) {
                result = sqlite3_bind_text64(statement_, position, text->data(), text->size(),
                                             SQLITE_STATIC, SQLITE_UTF8);
            } else {
                result = sqlite3_bind_null(statement_, position);
            }
            if (result != SQLITE_OK) {
                database_.fail();
            }
        }
    }
    // Returns whether there is a row.
    bool step() {
        const int result = sqlite3_step(statement_);
        if (result != SQLITE_ROW && result != SQLITE_DONE) {
            database_.fail();
        }
        return result == SQLITE_ROW;
    }
    void reset() noexcept {
        sqlite3_reset(statement_);
        sqlite3_clear_bindings(statement_);
    }
    Row row() const {
        Row cells;
        for (int column = 0; column != sqlite3_column_count(statement_); ++column) {
            switch (sqlite3_column_type(statement_, column)) {
                case SQLITE_INTEGER:
                    cells.emplace_back(
                        static_cast<std::int64_t>(sqlite3_column_int64(statement_, column)));
                    break;
                case SQLITE_NULL:
                    cells.emplace_back(nullptr);
                    break;
                default:
                    cells.emplace_back(text(column));
            }
        }
        return cells;
    }

private:
    std::string text(int column) const {
        const auto* const begin =
            reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
        return begin == nullptr ? std::string() : std::string(begin, size);
    }

    Database& database_;
    sqlite3_stmt* statement_ = nullptr;
};

Database::Database(const std::string& file, const Layout& layout) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    try {
        if (sqlite3_open_v2(file.c_str(), &database_, flags, nullptr) != SQLITE_OK) {
            throw error_of(database_, file);
        }
        run(of_all_files);
        mark(file, layout);
        run(layout.tables);
    } catch (const DatabaseError&) {
        sqlite3_close(database_);
        throw;
    }
}

Database::Database(Handle handle) noexcept : database_(handle.release()) {}

// Files of versions that made no mark are taken.
void Database::mark(const std::string& file, const Layout& layout) {
    const std::int64_t id = std::get<std::int64_t>(read("PRAGMA application_id").at(0).at(0));
    if (id != 0 && id != layout.id) {
        throw DatabaseError(file + " is not a file of the module '" + layout.owner +
                            "': each module needs a file of its own");
    }
    if (id == 0) {
        run(("PRAGMA application_id = " + std::to_string(layout.id)).c_str());
    }
}

Database::~Database() {
    statements_.clear();
    sqlite3_close(database_);
}

Handle Database::release() noexcept {
    statements_.clear();
    return {std::exchange(database_, nullptr), &sqlite3_close};
}

void Database::run(const char* sql) {
    if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
        fail();
    }
}

std::string Database::file() const {
    return sqlite3_db_filename(database_, "main");
}

void Database::fail() const {
    throw error_of(database_, file());
}

std::vector<Row> Database::read(const char* sql) {
    std::vector<Row> rows;
    Statement query(*this, sql);
    while (query.step()) {
        rows.push_back(query.row());
    }
    return rows;
}

Database::Statement& Database::statement(const char* sql) {
    std::unique_ptr<Statement>& known = statements_[sql];
    if (known == nullptr) {
        known = std::make_unique<Statement>(*this, sql);
    }
    return *known;
}

void Database::write(const std::list<Change>& changes) {
    run("BEGIN IMMEDIATE");
    try {
        for (const Change& change : changes) {
            Statement& made = statement(change.sql);
            struct Reset {
                Statement& statement;
                ~Reset() { statement.reset(); }
            };
            const Reset reset{made};
            made.bind(change.values);
            made.step();
        }
        run("COMMIT");
    } catch (...) {
        sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
        throw;
    }
}

}  // namespace weir::database
