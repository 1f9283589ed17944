#include "modules/files/check.h"

#include <map>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

#include "config/text/quoted.h"
#include "modules/files/settings.h"

namespace weir::files {

namespace {

config::Path place_of(const AppCheck& app, const char* kind, const std::string& name) {
    config::Path path = app.section() / kind;
    path.push(name);
    return path;
}

bool is_folder(const std::string& path) {
    struct stat found {};
    return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

bool is_other_than_folder(const std::string& path) {
    struct stat found {};
    return ::stat(path.c_str(), &found) == 0 && !S_ISDIR(found.st_mode);
}

}  // namespace

void check_app(const AppCheck& app) {
    const auto settings = app.settings<FilesSettings>();
    for (const auto& [name, root] : settings.roots) {
        if (!root.folder.empty() && !is_folder(root.folder)) {
            app.warn(place_of(app, "roots", name) / "folder",
                     config::in_quotes(root.folder) + " is no folder now: calls fail until it is");
        } else if (root.writable && ::access(root.folder.c_str(), W_OK | X_OK) != 0) {
            app.warn(place_of(app, "roots", name) / "folder",
                     config::in_quotes(root.folder) +
                         " cannot be written now: calls that write fail until it can");
        }
    }
    for (const auto& [name, watch] : settings.watches) {
        if (watch.unclosed < watch.settled) {
            app.report(place_of(app, "watches", name) / "unclosed", "must be `settled` at least");
        }
        if (is_other_than_folder(watch.folder)) {
            app.warn(
                place_of(app, "watches", name) / "folder",
                config::in_quotes(watch.folder) + " is no folder now: nothing is told until it is");
        }
    }
    std::map<std::string, std::string> state_files;
    for (const auto& [name, tail] : settings.tails) {
        const config::Path path = place_of(app, "tails", name);
        if (!tail.state_file) {
            if (tail.confirm) {
                app.report(path / "confirm",
                           "needs `state_file`, which keeps how far lines were confirmed");
            }
            continue;
        }
        if (const std::string why = why_not_writable(*tail.state_file); !why.empty()) {
            app.warn(path / "state_file",
                     why + ": a restart will not know how far lines were told");
        }
        if (*tail.state_file == tail.file) {
            app.report(path / "state_file", "is the file that the tail follows");
        }
        const auto [other, is_new] = state_files.emplace(*tail.state_file, name);
        if (!is_new) {
            app.report(path / "state_file",
                       "is that of the tail " + config::in_quotes(other->second));
        }
    }
}

}  // namespace weir::files
