#include "modules/files/settings.h"

#include "core/base/glob.h"

namespace weir::files {

using config::setting;
using config::settings;
using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

std::string wrong_file_patterns(const std::vector<std::string>& patterns) {
    for (const std::string& pattern : patterns) {
        if (pattern.empty() || pattern.size() > Glob::longest) {
            return "has a pattern that is empty or has more than " + std::to_string(Glob::longest) +
                   " bytes";
        }
    }
    return "";
}

std::string wrong_name_of_file(const std::string& path) {
    return path.find('\0') == std::string::npos ? "" : "has a zero byte";
}

}  // namespace

config::Settings<RootSettings> RootSettings::describe() {
    using S = RootSettings;
    return settings<S>(
        "A folder below which functions work",
        setting("folder", &S::folder, "The folder")
            .not_empty()
            .check(wrong_name_of_file)
            .required(),
        setting("description", &S::description, "What it is for"),
        setting("writable", &S::writable,
                "Whether functions may change what is below it; otherwise they only read"),
        setting("max_size", &S::max_size, "How much one call reads or writes")
            .range(config::ByteSize{1}, config::mebibytes(16)),
        setting("waiting", &S::waiting,
                "How many calls wait for those before them; a further one fails at once")
            .range(1, 100'000));
}

config::Settings<WatchSettings> WatchSettings::describe() {
    using S = WatchSettings;
    return settings<S>(
        "A folder whose files are watched",
        setting("folder", &S::folder, "The folder; it may come later, and go")
            .not_empty()
            .check(wrong_name_of_file)
            .required(),
        setting("description", &S::description, "What it is for"),
        setting("patterns", &S::patterns,
                "Which files: `*` stands for any text, `?` for one byte; a pattern with a `/` is "
                "compared with the path below the folder, others with the name")
            .length(1, 100)
            .check(wrong_file_patterns),
        setting("recursive", &S::recursive, "Whether the folders below are watched too"),
        setting("existing", &S::existing,
                "Whether files that are there when the watch begins are told, as `found`"),
        setting("settled", &S::settled,
                "A change is told when the file was closed, and has then stayed the same for so "
                "long")
            .range(milliseconds(10), hours(1)),
        setting("unclosed", &S::unclosed,
                "A file that its writer keeps open is told when it has stayed the same for so long")
            .range(milliseconds(10), hours(24)),
        setting("rescan", &S::rescan,
                "All is looked at anew so often, for what the system does not report: changes by "
                "other machines on network file systems; null: never")
            .range(milliseconds(100), hours(24)),
        setting("max_files", &S::max_files, "How many files are watched; others are not told")
            .range(1, 1'000'000),
        setting("max_folders", &S::max_folders, "How many folders are watched").range(1, 100'000));
}

config::Settings<TailSettings> TailSettings::describe() {
    using S = TailSettings;
    return settings<S>(
        "A file whose new lines are told",
        setting("file", &S::file, "The file; it may come later, and be rotated")
            .not_empty()
            .check(wrong_name_of_file)
            .required(),
        setting("description", &S::description, "What it is for"),
        setting("lines", &S::lines, "Whether lines are told as text, or as JSON if they are some"),
        setting("from", &S::from,
                "Where it begins in a file that is there when nothing is known of it yet"),
        setting("longest_line", &S::longest_line,
                "How much of a line is told; the rest of a longer one is dropped")
            .range(config::ByteSize{16}, config::mebibytes(1)),
        setting("linger", &S::linger,
                "When another file has taken the name, the old one is read until nothing was "
                "written to it for so long")
            .range(milliseconds(10), hours(1)),
        setting("state_file", &S::state_file,
                "A file that keeps how far lines were told, so that a restart goes on there; null: "
                "none")
            .not_empty(),
        setting("confirm", &S::confirm,
                "Whether `state_file`, which it needs, keeps how far lines were confirmed by "
                "files.confirm, instead of told"),
        setting("ahead", &S::ahead, "How many lines are told and not confirmed").range(1, 100'000));
}

config::Settings<FilesSettings> FilesSettings::describe() {
    using S = FilesSettings;
    return settings<S>("Watches, follows, reads and writes files",
                       setting("roots", &S::roots, "Folders below which functions work, by name"),
                       setting("watches", &S::watches, "Folders that are watched, by name"),
                       setting("tails", &S::tails, "Files whose new lines are told, by name"));
}

}  // namespace weir::files
