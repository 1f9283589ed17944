#include "modules/system/log/format.h"

#include <functional>

#include <fmt/args.h>
#include <fmt/format.h>

namespace weir {

std::string format_log(std::string_view text, std::span<const LogValue> values) {
    fmt::dynamic_format_arg_store<fmt::format_context> arguments;
    arguments.reserve(values.size(), 0);
    for (const LogValue& value : values) {
        std::visit(
            [&](const auto& content) {
                if constexpr (std::same_as<decltype(content), const std::string&>) {
                    arguments.push_back(std::cref(content));  // not copied
                } else {
                    arguments.push_back(content);
                }
            },
            value.content());
    }
    try {
        return fmt::vformat(fmt::string_view(text.data(), text.size()), arguments);
    } catch (const fmt::format_error& error) {
        return std::string(text) + " (cannot be formatted: " + error.what() + ")";
    }
}

}  // namespace weir
