#pragma once

#include <map>
#include <string>
#include <utility>

#include "config/document/value.h"

// What several parts of an OpenAPI document are made of.
namespace weir::http::openapi_parts {

// The operations by path and method, for which lower case is usual there.
class Paths {
public:
    bool has(const std::string& path, const std::string& method) const {
        const auto found = operations_.find(path);
        return found != operations_.end() && found->second.contains(method);
    }
    void add(const std::string& path, const std::string& method, config::Value operation) {
        operations_[path].emplace(method, std::move(operation));
    }
    // Returns the object of all paths.
    config::Value take();

private:
    std::map<std::string, std::map<std::string, config::Value>> operations_;
};

inline config::Value object() {
    return config::Value::object();
}
config::Value json_content(config::Value schema);
config::Value response(std::string description);
// A reference to the response of all errors, which is one of the components.
config::Value problem();
config::Value components();

}  // namespace weir::http::openapi_parts
