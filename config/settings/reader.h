#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/document/fragments.h"
#include "config/document/path.h"
#include "config/document/problems.h"

namespace weir::config {

/// Where one reading of settings is, and where it reports. Used by types; see Type::read.
class Reader {
public:
    /// `section` is where required settings are missed if no layer says anything about it.
    Reader(Problems& problems, Position position, Path section)
        : problems_(problems), position_(std::move(position)), section_(std::move(section)) {}
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// Makes a reader stand one step deeper, as long as it lives.
    class Inside {
    public:
        Inside(Reader& reader, std::string_view name, bool secret = false);
        Inside(Reader& reader, std::size_t index);
        Inside(const Inside&) = delete;
        Inside& operator=(const Inside&) = delete;
        ~Inside();

    private:
        Reader& reader_;
        bool was_secret_;
    };

    /// Whether the reader stands deeper than any sensible setting; then it has said so. To be asked
    /// by types that contain others.
    bool too_deep(const Fragments& fragments);

    /// Reports a problem of the fragment's value.
    void problem(const Fragment& fragment, std::string what);
    /// Reports a problem of the fragment's name.
    void problem_of_name(const Fragment& fragment, std::string what);
    /// Reports that the fragment's name is none of the known ones, where `kind` says of what.
    void unknown(const Fragment& fragment, std::string_view kind, std::string_view name,
                 const std::vector<std::string>& known);
    /// Reports that no layer gives the setting `name`, unless that is allowed.
    void missing(const Fragments& fragments, std::string_view name);
    /// "expected <expected>, found ..." at the fragment's value, unless it was reported before.
    void mismatch(const Fragment& fragment, const std::string& expected);
    /// Reports fragments of one layer that give the same setting, written in two ways.
    void report_twins(const Fragments& fragments);

    /// Settings of the section itself may be missing, though they have no default.
    void allow_missing() { may_miss_ = true; }
    /// Whether values must not appear in messages.
    bool secret() const { return secret_; }
    /// How many problems were reported through this reader.
    std::size_t count() const { return count_; }

private:
    void add(const Position& position, const Path& base, std::string what);

    Problems& problems_;
    Position position_;
    Path section_;
    Path path_;  ///< below the section
    bool secret_ = false;
    bool may_miss_ = false;
    std::size_t count_ = 0;
};

}  // namespace weir::config
