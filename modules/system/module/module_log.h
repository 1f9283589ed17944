#pragma once

#include <array>
#include <span>
#include <string_view>

#include "core/base/log.h"
#include "modules/system/log/format.h"

namespace weir {

class Module;
class Scheduler;

// What a module logs with: each line says the module, and the routine that runs. Lines below the
// level that the configuration has at module.<name>.log_level cost a comparison; their values are
// not formatted.
//
//     log().info("ready");
//     log().warning("{} loaves for {}, only {} are left", wanted, customer, shelf_);
//
// Values are numbers, bool, texts, and whatever has a to_string(). On the scheduler's thread only.
class ModuleLog {
public:
    // The name must outlive this.
    ModuleLog(const Scheduler& scheduler, std::string_view module, LogLevel least) noexcept
        : scheduler_(scheduler), module_(module), least_(least) {}
    ModuleLog(const ModuleLog&) = delete;
    ModuleLog& operator=(const ModuleLog&) = delete;

    // Whether such lines are written: to be asked before what is costly to find out.
    bool writes(LogLevel level) const noexcept { return level >= least_; }

    // The module that logs.
    std::string_view module() const noexcept { return module_; }

    // The text as it is.
    void debug(std::string_view text) const { write(LogLevel::debug, text); }
    void info(std::string_view text) const { write(LogLevel::info, text); }
    void warning(std::string_view text) const { write(LogLevel::warning, text); }
    void error(std::string_view text) const { write(LogLevel::error, text); }

    // With values for the braces.
    template <class First, class... Rest>
    void debug(LogFormat<First, Rest...> format, const First& first, const Rest&... rest) const {
        write(LogLevel::debug, format.text, first, rest...);
    }
    template <class First, class... Rest>
    void info(LogFormat<First, Rest...> format, const First& first, const Rest&... rest) const {
        write(LogLevel::info, format.text, first, rest...);
    }
    template <class First, class... Rest>
    void warning(LogFormat<First, Rest...> format, const First& first, const Rest&... rest) const {
        write(LogLevel::warning, format.text, first, rest...);
    }
    template <class First, class... Rest>
    void error(LogFormat<First, Rest...> format, const First& first, const Rest&... rest) const {
        write(LogLevel::error, format.text, first, rest...);
    }

private:
    friend class Module;

    void set_least(LogLevel least) noexcept { least_ = least; }

    template <class... Values>
    void write(LogLevel level, std::string_view text, const Values&... values) const {
        if (!writes(level)) {
            return;
        }
        if constexpr (sizeof...(Values) == 0) {
            write_text(level, text);
        } else {
            const std::array<LogValue, sizeof...(Values)> all{LogValue(values)...};
            write_text(level, format_log(text, all));
        }
    }
    void write_text(LogLevel level, std::string_view text) const;

    const Scheduler& scheduler_;
    std::string_view module_;
    LogLevel least_;
};

}  // namespace weir
