#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "modules/database/database.h"

namespace weir::store {

// What the file keeps of a key.
struct Row {
    std::string key;
    std::optional<std::string> value;  // JSON; nothing: the key is deleted
    std::uint64_t version = 0;
    std::int64_t expires = 0;  // microseconds since 1970; 0: never
};

// The tables of the file, and the queries that read them.
extern const database::Layout layout;
extern const char* const read_rows;
extern const char* const read_last_version;

// Returns a row that read_rows has found, and the version that read_last_version has found.
Row row_of(const database::Row& cells);
std::uint64_t version_of(const database::Row& cells);
// Returns the changes that write the rows, and the largest version that there ever was.
std::list<database::Change> changes_of(const std::vector<Row>& rows);

}  // namespace weir::store
