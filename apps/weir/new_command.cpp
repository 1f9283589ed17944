#include "apps/weir/new_command.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <vector>

#include "apps/weir/app_configuration.h"
#include "apps/weir/exit_code.h"
#include "apps/weir/output.h"
#include "config/document/environment.h"
#include "config/settings/configuration.h"
#include "config/text/joined.h"
#include "config/text/nearest_name.h"
#include "config/text/quoted.h"

namespace weir::app {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_name = 40;

// Names with another meaning in configurations, or as targets of a build.
constexpr std::array<std::string_view, 12> taken_names{"all",     "clean",   "default", "help",
                                                       "install", "package", "plugins", "public",
                                                       "server",  "sample",  "test",    "weir"};

std::string class_name(const std::string& name) {
    std::string result;
    bool upper = true;
    for (const char c : name) {
        if (c == '_') {
            upper = true;
        } else {
            result += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
            upper = false;
        }
    }
    return result;
}

std::string replaced(const std::string& text, std::string_view word, const std::string& by) {
    std::string result;
    std::size_t begin = 0;
    for (std::size_t at = 0; (at = text.find(word, begin)) != std::string::npos;) {
        result.append(text, begin, at - begin).append(by);
        begin = at + word.size();
    }
    return result.append(text, begin);
}

std::string with_name(const std::string& text, const std::string& name) {
    return replaced(replaced(text, "sample", name), "Sample", class_name(name));
}

std::string content(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        throw std::runtime_error("cannot read " + path.string() + ": " + reason(errno));
    }
    return {std::istreambuf_iterator<char>(in), {}};
}

// Copies the files of one template; a file that exists already stays.
void copy_template(const fs::path& from, const fs::path& to, const std::string& name) {
    for (const fs::directory_entry& file : fs::directory_iterator(from)) {
        const fs::path target = to / with_name(file.path().filename().string(), name);
        if (fs::exists(target)) {
            continue;
        }
        OutputFile out(target.string());
        out.stream() << with_name(content(file.path()), name);
        out.close();
    }
}

}  // namespace

std::string wrong_module_name(const std::string& name) {
    if (name.empty() || name.size() > longest_name || name[0] < 'a' || name[0] > 'z' ||
        !std::all_of(name.begin(), name.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        })) {
        return "expected a letter a-z, then letters a-z, digits and '_', at most " +
               std::to_string(longest_name) + " in all";
    }
    if (std::find(taken_names.begin(), taken_names.end(), name) != taken_names.end()) {
        return "the name has another meaning";
    }
    for (const char* ending : {"_test", "_benchmark"}) {
        if (name.ends_with(ending)) {
            return std::string("names of tests end with ") + ending;
        }
    }
    if (name.starts_with("fuzz_")) {
        return "names of fuzzers begin with fuzz_";
    }
    return {};
}

fs::path own_apps() {
    return (own_program_folder() / "../share/weir").lexically_normal();
}

std::vector<std::string> app_names(const fs::path& apps) {
    std::vector<std::string> names;
    std::error_code error;
    for (const fs::directory_entry& file : fs::directory_iterator(apps, error)) {
        const std::string stem = file.path().stem().string();
        if (file.path().extension() == ".json" && stem.find('.') == std::string::npos) {
            names.push_back(stem);
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

fs::path own_templates() {
    return own_apps() / "templates";
}

namespace {

int refuse(const std::string& why, int code) {
    std::fprintf(stderr, "weir new: %s\n", why.c_str());
    return code;
}

// Copies the scripts that an app runs, with their permissions. Returns their names, sorted.
std::vector<std::string> copy_scripts(const fs::path& from, const fs::path& to) {
    std::vector<std::string> names;
    if (!fs::is_directory(from)) {
        return names;
    }
    for (const fs::directory_entry& file : fs::directory_iterator(from)) {
        names.push_back(file.path().filename().string());
        fs::copy_file(file.path(), to / names.back());
    }
    std::sort(names.begin(), names.end());
    return names;
}

// Makes a folder, and fills it; removes it if that fails.
int make_folder(const fs::path& folder, const std::function<void()>& fill) {
    std::error_code error;
    if (!fs::create_directory(folder, error)) {
        return refuse(error ? "cannot make the folder " + folder.string() + ": " + error.message()
                            : folder.string() + " exists already",
                      failure);
    }
    try {
        fill();
    } catch (const std::exception& exception) {
        fs::remove_all(folder, error);
        return refuse(exception.what(), failure);
    }
    return success;
}

}  // namespace

std::string address_of_page(const fs::path& app_file) {
    config::Sources sources;
    sources.files = {app_file.string()};
    sources.environment = config::process_environment();
    config::Problems ignored;  // weir check tells them
    const config::Configuration app = config::Configuration::load(sources, ignored);
    const auto page = app.value("module.http.page");
    const auto listen = app.value("module.http.listen");
    const auto* const addresses = listen ? listen->get<config::Value::List>() : nullptr;
    if (!page || page->get<bool>() == nullptr || !*page->get<bool>() || addresses == nullptr) {
        return "";
    }
    for (const config::Value& listener : *addresses) {
        const config::Value* const member = listener.find("address");
        const std::string_view address =
            (member == nullptr ? listener : *member).text().value_or("");
        for (const auto& [kind, scheme] :
             {std::pair("tcp://", "http://"), std::pair("tls://", "https://")}) {
            if (address.starts_with(kind)) {
                return scheme + std::string(address.substr(std::string_view(kind).size())) + "/ui/";
            }
        }
    }
    return "";
}

int make_like(const std::string& app, const std::string& name, const fs::path& parent,
              const fs::path& apps) {
    if (const std::string why = wrong_module_name(name); !why.empty()) {
        return refuse(config::in_quotes(name) + " cannot be the name of an app: " + why,
                      wrong_usage);
    }
    const std::vector<std::string> known = app_names(apps);
    if (std::find(known.begin(), known.end(), app) == known.end()) {
        std::string list;
        for (const std::string& other : known) {
            list += (list.empty() ? "; there are " : ", ") + other;
        }
        return refuse(config::unknown_name("app", app, known) + list, wrong_usage);
    }
    const fs::path folder = parent / name;
    const std::string file = name + ".json";
    return make_folder(folder, [&] {
        OutputFile out((folder / file).string());
        out.stream() << content(apps / (app + ".json"));
        out.close();
        const std::vector<std::string> scripts = copy_scripts(apps / app, folder);
        const std::string page = address_of_page(folder / file);
        print("The app is " + (folder / file).string() + ", a copy of " + app +
              ", whose page says what to change and how to try it.\n" +
              (scripts.empty() ? ""
                               : "Beside it is what it runs, for you to change: " +
                                     config::joined(scripts) + "\n") +
              "Run it:\n    cd " + folder.string() + "\n    weir run " + file + "\n" +
              (page.empty() ? "" : "It has a page for browsers: " + page + "\n"));
    });
}

int make_new(const std::string& kind, const std::string& name, const fs::path& parent,
             const fs::path& templates) {
    std::error_code error;
    if (const std::string why = wrong_module_name(name); !why.empty()) {
        return refuse(config::in_quotes(name) + " cannot be the name of a module: " + why,
                      wrong_usage);
    }
    if (fs::exists(fs::path(own_plugin_folder()) / (name + ".so"), error)) {
        return refuse("there is a module '" + name + "' already: see weir describe " + name,
                      wrong_usage);
    }
    if (!fs::is_directory(templates / "module", error)) {
        return refuse("there are no templates in " + templates.string() +
                          (error ? ": " + error.message() : ""),
                      failure);
    }
    const fs::path folder = parent / name;
    return make_folder(folder, [&] {
        if (kind == "app") {
            copy_template(templates / "app", folder, name);
        }
        copy_template(templates / "module", folder, name);
        print("The " + kind + " is in " + folder.string() +
              "; its README.md says how to build, test and run it.\n");
    });
}

}  // namespace weir::app
