#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/document/environment.h"
#include "config/document/limits.h"
#include "config/document/problems.h"
#include "config/document/value.h"
#include "config/text/position.h"

namespace weir::config {

/// A file to read, or a text in memory with a file's name.
struct Input {
    Input(std::string file_name) : name(std::move(file_name)) {}
    Input(const char* file_name) : name(file_name) {}
    Input(std::string text_name, std::string text)
        : name(std::move(text_name)), content(std::move(text)) {}

    std::string name;
    std::optional<std::string> content;
};

/// The sources of one configuration. A later source wins over an earlier one.
struct Sources {
    std::vector<Input> files;
    std::vector<std::string> sets;  ///< arguments of `--set`: "path=value", in messages "path=..."
    Environment environment;        ///< for `${NAME}` in the files
    Limits limits;
};

/// The content of one file or `--set`, as written.
struct Layer {
    std::shared_ptr<const Source> source;
    Value root;  ///< an object
};

/// Reads all sources. Returns layers in rising order: each wins over those before it.
///
/// A file may name further files under the key `include`, relative to its own folder. They become
/// layers below its own. A file that is included twice counts once, at its first inclusion; a file
/// that includes itself, directly or not, is a problem. The layers do not contain `include` and
/// `$schema` (which is for editors).
///
/// A problem in one source does not stop the reading of the remaining sources. Blocks while it
/// reads files.
std::vector<Layer> read_layers(const Sources& sources, Problems& problems);

}  // namespace weir::config
