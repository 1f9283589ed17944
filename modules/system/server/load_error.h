#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace weir {

// What what() says of these is safe to print: control characters in names and files are escaped.

// A plugin could not be opened; what() says which file and why.
class PluginError : public std::runtime_error {
public:
    explicit PluginError(const std::string& what);
    ~PluginError() override;
};

// A module could not be loaded, unloaded or reloaded; what() says why, with the chain of modules
// that the reason came through.
class LoadException : public std::runtime_error {
public:
    explicit LoadException(const std::string& what);
    ~LoadException() override;
};

// Unloading was refused: what() lists what still lives.
class UnloadRefused : public LoadException {
public:
    UnloadRefused(const std::string& module, std::vector<std::string> living);
    ~UnloadRefused() override;

    const std::vector<std::string>& living() const noexcept { return living_; }

private:
    std::vector<std::string> living_;
};

}  // namespace weir
