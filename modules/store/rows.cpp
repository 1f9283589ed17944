#include "modules/store/rows.h"

#include <algorithm>
#include <variant>

namespace weir::store {

const database::Layout layout{
    0x77537472, "store",
    "CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT NOT NULL,"
    " version INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER NOT NULL)"
    " WITHOUT ROWID;"};
const char* const read_rows = "SELECT key, value, version, expires FROM entries";
const char* const read_last_version = "SELECT value FROM state WHERE name = 'version'";

namespace {

constexpr const char* put = "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)";
constexpr const char* erase = "DELETE FROM entries WHERE key = ?";
constexpr const char* put_version = "INSERT OR REPLACE INTO state VALUES ('version', ?)";

}  // namespace

Row row_of(const database::Row& cells) {
    return {std::get<std::string>(cells.at(0)), std::get<std::string>(cells.at(1)),
            static_cast<std::uint64_t>(std::get<std::int64_t>(cells.at(2))),
            std::get<std::int64_t>(cells.at(3))};
}

std::uint64_t version_of(const database::Row& cells) {
    return static_cast<std::uint64_t>(std::get<std::int64_t>(cells.at(0)));
}

std::list<database::Change> changes_of(const std::vector<Row>& rows) {
    std::list<database::Change> changes;
    std::uint64_t last = 0;
    for (const Row& row : rows) {
        if (row.value) {
            changes.push_back(
                {put, {row.key, *row.value, static_cast<std::int64_t>(row.version), row.expires}});
        } else {
            changes.push_back({erase, {row.key}});
        }
        last = std::max(last, row.version);
    }
    changes.push_back({put_version, {static_cast<std::int64_t>(last)}});
    return changes;
}

}  // namespace weir::store
