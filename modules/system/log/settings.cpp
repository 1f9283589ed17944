#include "modules/system/log/settings.h"

#include "modules/system/log/outlet.h"

namespace weir {

config::EnumNames<LogLevel> names_of(LogLevel) {
    using enum LogLevel;
    return {{"debug", debug}, {"info", info}, {"warning", warning}, {"error", error}};
}

config::EnumNames<LogLines> names_of(LogLines) {
    return {{"text", LogLines::text}, {"json", LogLines::json}};
}

namespace {

std::string wrong_file(const std::string& file) {
    const std::string why = why_no_log_file(file);
    return why.empty() ? "" : "'" + file + "' " + why;
}

}  // namespace

config::Settings<LogSettings> LogSettings::describe() {
    using namespace config;
    using S = LogSettings;
    return settings<S>(
        "What is logged, where to and how",
        setting("level", &S::level,
                "The lowest level that is logged; modules may have their own: "
                "module.<name>.log_level"),
        setting("format", &S::format, "Lines for people, or an object of JSON in each line"),
        setting("file", &S::file,
                "The file to write to, at its end; SIGHUP opens it anew. A pipe (FIFO) needs no "
                "reader, and is not rotated; null: standard error")
            .not_empty()
            .check(wrong_file),
        setting("rotate_at", &S::rotate_at,
                "How large the file may become before it is renamed, from app.log to app.1.log, "
                "and a new one begins; null: any size")
            .at_least(kibibytes(4)),
        setting("rotated_files", &S::rotated_files, "How many renamed files are kept")
            .range(1, 1000),
        setting("queue", &S::queue,
                "Lines that may wait until they are written; when there are more, the oldest are "
                "dropped and counted")
            .range(16, 1'000'000)
            .unit("lines")
            .fixed());
}

}  // namespace weir
