#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/settings.h"
#include "modules/rules/value.h"

namespace weir::rules {

// What one run of a script may use.
struct ScriptSettings {
    std::uint64_t instructions = 1'000'000;
    config::ByteSize memory = config::mebibytes(4);
    std::chrono::milliseconds time = std::chrono::seconds(1);

    static config::Settings<ScriptSettings> describe();
};

// Thrown when a text is no script.
class ScriptError : public std::runtime_error {
public:
    ScriptError(std::size_t line, const std::string& what)
        : std::runtime_error(what), line_(line) {}
    ~ScriptError() override;

    std::size_t line() const noexcept { return line_; }  // the first is 1

private:
    std::size_t line_;
};

// A script in Lua: computes a value from those of a Frame, and can do nothing else. Each run begins
// with the same globals, whatever an earlier one has done; a run ends when its limits are reached.
// One thread at a time may run it.
//
// Values of JSON keep their types: null is `null`, integers and floats differ, a table is a list if
// it came from one, was made by `array{...}` or has elements 1 to n, and an object otherwise.
class Script {
public:
    // Throws ScriptError.
    explicit Script(std::string_view text);
    Script(const Script&) = delete;
    Script& operator=(const Script&) = delete;
    ~Script();

    // Values that the script knows by name, and their slots in the Frame.
    struct Name {
        std::string name;
        std::size_t slot;
    };

    // Returns what the script returns; nothing if it has used a value that is not known. Throws
    // ApiException with `script_failed`, whose message says the line.
    std::optional<Json> run(const Frame& frame, const std::vector<Name>& names,
                            const ScriptSettings& limits);

    // Returns whether a script knows the name whatever values there are: a function, or a library.
    static bool has_function(std::string_view name) noexcept;

    static constexpr std::string_view failed = "script_failed";

private:
    struct State;

    const std::unique_ptr<State> state_;
};

}  // namespace weir::rules
