#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace CLI {
class App;
class Error;
class FormatterBase;
class Validator;
}  // namespace CLI

namespace weir::app {

// What all commands share of the command line: the layout of help, numbers, and what is wrong.

// Help that fits the terminal.
std::shared_ptr<CLI::FormatterBase> help_format();

// Accepts finite numbers from `least`, which is at least 0, to `most`, written as people do: no
// "nan", no "inf", no sign, no hexadecimal digits.
CLI::Validator number_between(double least, double most);
// The same for whole numbers, written with digits alone.
CLI::Validator whole_number_between(std::uint64_t least, std::uint64_t most);
// Accepts the path of a folder that exists.
CLI::Validator existing_folder();

// Returns what is wrong with a command line that `program` could not parse, for people: the error,
// with the nearest command or option if one is unknown, and where to read more. Ends with a
// newline.
std::string usage_mistake(const CLI::App& program, const CLI::Error& error);

}  // namespace weir::app
