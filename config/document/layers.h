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

/// A file to read, or a text that is at hand and goes by the name of a file.
struct Input {
    Input(std::string file_name) : name(std::move(file_name)) {}
    Input(const char* file_name) : name(file_name) {}
    Input(std::string text_name, std::string text)
        : name(std::move(text_name)), content(std::move(text)) {}

    std::string name;
    std::optional<std::string> content;
};

/// All that one configuration is made from. What comes later wins over what comes before.
struct Sources {
    std::vector<Input> files;
    std::vector<std::string> sets;  ///< what follows `--set`: "path=value", in messages "path=..."
    Environment environment;        ///< for `${NAME}` in the files
    Limits limits;
};

/// The content of one file or `--set`, as it was written.
struct Layer {
    std::shared_ptr<const Source> source;
    Value root;  ///< an object
};

/// Reads all sources. Layers come in rising order: each wins over those before it.
///
/// A file may name others under the key `include`, relative to its own folder. They make layers
/// below its own. A file that is included twice counts once, where it is met first; one that
/// includes itself, over whatever others, is a problem. `include` and `$schema` (which is there
/// for editors) are not in the layers.
///
/// A problem in one source does not keep the others from being read. Blocks while it reads files.
std::vector<Layer> read_layers(const Sources& sources, Problems& problems);

}  // namespace weir::config
