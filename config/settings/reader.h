#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/document/fragments.h"
#include "config/document/path.h"
#include "config/document/problems.h"

namespace weir::config {

/// The state of one reading of settings: the current path, and where problems go. Used by types;
/// see Type::read(). Not thread-safe.
class Reader {
public:
    /// `section` is reported as the place of missing required settings if no layer has the section.
    Reader(Problems& problems, Position position, Path section)
        : problems_(problems), position_(std::move(position)), section_(std::move(section)) {}
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// Moves the reader one step deeper while it lives.
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

    /// Returns whether the path is deeper than any sensible setting, and has then reported it.
    /// Types that contain types must call it.
    bool too_deep(const Fragments& fragments);

    /// Reports a problem of the fragment's value.
    void problem(const Fragment& fragment, std::string what);
    /// Reports a problem of the fragment's name.
    void problem_of_name(const Fragment& fragment, std::string what);
    /// Reports that the fragment's name is unknown. `kind` is the kind of name.
    void unknown(const Fragment& fragment, std::string_view kind, std::string_view name,
                 const std::vector<std::string>& known);
    /// Reports that no layer gives the setting `name`, unless allow_missing() was called.
    void missing(const Fragments& fragments, std::string_view name);
    /// Reports "expected <expected>, found ..." at the fragment's value, unless it was reported
    /// before.
    void mismatch(const Fragment& fragment, const std::string& expected);
    /// Reports fragments of one layer that give the same setting in two notations.
    void report_twins(const Fragments& fragments);

    /// Allows required settings of the section itself to be missing.
    void allow_missing() { may_miss_ = true; }
    /// Returns whether values must not appear in messages.
    bool secret() const { return secret_; }
    /// Returns the number of problems reported through this reader.
    std::size_t count() const { return count_; }

private:
    void add(const Position& position, const Path& base, std::string what);

    Problems& problems_;
    Position position_;
    Path section_;
    Path path_;  // below the section
    bool secret_ = false;
    bool may_miss_ = false;
    std::size_t count_ = 0;
};

}  // namespace weir::config
