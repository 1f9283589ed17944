#include "core/system/secret_file.h"

#include <sstream>
#include <stdexcept>
#include <utility>

#include "core/system/files.h"

namespace weir {
namespace {

constexpr std::size_t largest_secret_file = 64 * 1024;

}  // namespace

Task<std::vector<std::string>> read_secret_lines(std::string path, std::string setting) {
    std::vector<std::string> secrets;
    try {
        std::istringstream lines(co_await read_file(path, largest_secret_file));
        for (std::string line; std::getline(lines, line);) {
            if (line.ends_with('\r')) {
                line.pop_back();
            }
            if (line.find_first_not_of(" \t\f\v") != std::string::npos) {
                secrets.push_back(line);
            }
        }
    } catch (const SystemError& error) {
        throw std::runtime_error(setting + ": " + error.what());
    }
    if (secrets.empty()) {
        throw std::runtime_error(setting + ": " + path + ": there is no secret in the file");
    }
    co_return secrets;
}

Task<std::string> read_secret_line(std::string path, std::string setting) {
    Task<std::vector<std::string>> reading = read_secret_lines(std::move(path), std::move(setting));
    std::vector<std::string> secrets = co_await reading;
    co_return std::move(secrets.front());
}

}  // namespace weir
