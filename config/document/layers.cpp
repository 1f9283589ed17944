#include "config/document/layers.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "config/document/document.h"
#include "config/document/found.h"
#include "config/text/quoted.h"
#include "config/text/utf8.h"

namespace weir::config {

namespace {

namespace fs = std::filesystem;

// The place in a file that includes another file.
struct Include {
    Position position;
    Path path;
};

// Returns the content of a file. Stops reading once it is longer than `limit`.
std::optional<std::string> read_file(const fs::path& file, std::size_t limit, std::string& wrong) {
    std::error_code ignored;
    if (fs::is_directory(file, ignored)) {
        wrong = "is a folder";
        return std::nullopt;
    }
    errno = 0;
    std::ifstream stream(file, std::ios::binary);
    std::string content, block(64 * 1024, '\0');
    while (stream && content.size() <= limit) {
        stream.read(block.data(), static_cast<std::streamsize>(block.size()));
        content.append(block, 0, static_cast<std::size_t>(stream.gcount()));
    }
    if (stream.eof() || content.size() > limit) return content;
    wrong = std::string("cannot be read: ") + (errno != 0 ? std::strerror(errno) : "unknown error");
    return std::nullopt;
}

// Removes the member of that name from the object and returns it.
std::optional<Member> take_member(Value& object, std::string_view name) {
    auto* members = object.get<Value::Object>();
    const auto found = std::find_if(members->begin(), members->end(),
                                    [&](const Member& member) { return member.name == name; });
    if (found == members->end()) return std::nullopt;
    Member member = std::move(*found);
    members->erase(found);
    return member;
}

class LayerReader {
public:
    LayerReader(const Sources& sources, Problems& problems)
        : sources_(sources), allowance_(sources.limits), problems_(problems) {}

    std::vector<Layer> read() {
        for (const Input& file : sources_.files) add_file(file, nullptr);
        for (const std::string& set : sources_.sets) add_set(set);
        return std::move(layers_);
    }

private:
    struct Open {
        std::string name;
        std::string identity;
    };

    void report(const std::shared_ptr<const Source>& file, const Include* include,
                const std::string& what) {
        if (include) {
            problems_.add(include->position, include->path,
                          printable(file->name, 200) + " " + what);
        } else {
            problems_.add({file, 0, 0}, {}, what);
        }
    }

    void add_file(const Input& file, const Include* include) {
        auto source = std::make_shared<Source>(Source{file.name, next_source_});
        const std::string identity = identify(file);
        if (include && is_cycle(identity, file.name, *include)) return;
        if (!seen_.insert(identity).second) return;
        ++next_source_;
        if (seen_.size() > sources_.limits.files) {
            report(source, include,
                   "is one too many: at most " + std::to_string(sources_.limits.files) + " files");
            return;
        }
        std::string wrong;
        std::optional<std::string> content = file.content;
        std::error_code ignored;
        if (!content && include && fs::exists(file.name, ignored) &&
            !fs::is_directory(file.name, ignored) && !fs::is_regular_file(file.name, ignored)) {
            wrong = "is not a regular file";
        } else if (!content) {
            content = read_file(file.name, sources_.limits.text_bytes, wrong);
        }
        if (!content) {
            report(source, include, wrong);
            return;
        }
        std::optional<Value> root = read_document(*content, source, allowance_, problems_);
        content.reset();
        if (!root) return;
        expand_references(*root, sources_.environment, allowance_, problems_);
        if (!root->is_object()) {
            problems_.add(root->position, {}, "expected an object, found " + found(*root));
            return;
        }
        open_.push_back({file.name, identity});
        add_includes(*root, file.name);
        open_.pop_back();
        layers_.push_back({std::move(source), *std::move(root)});
    }

    // Returns the same text for every name of a file, so that cycles and duplicates are found.
    static std::string identify(const Input& file) {
        if (file.content) return "text " + file.name;
        std::error_code error;
        const fs::path canonical = fs::weakly_canonical(file.name, error);
        return "file " + (error ? file.name : canonical.string());
    }

    bool is_cycle(const std::string& identity, const std::string& name, const Include& include) {
        const auto same = [&](const Open& open) { return open.identity == identity; };
        auto begin = std::find_if(open_.begin(), open_.end(), same);
        if (begin == open_.end()) return false;
        std::string chain;
        for (; begin != open_.end(); ++begin) chain += begin->name + " -> ";
        problems_.add(include.position, include.path, "files include each other: " + chain + name);
        return true;
    }

    void add_includes(Value& root, const fs::path& including) {
        if (const auto schema = take_member(root, "$schema"); schema && !schema->value.text()) {
            problems_.add(schema->value.position, "$schema",
                          "expected a string, found " + found(schema->value));
        }
        const std::optional<Member> includes = take_member(root, "include");
        if (!includes) return;
        Path path("include");
        if (const auto* list = includes->value.get<Value::List>()) {
            for (std::size_t index = 0; index < list->size(); ++index) {
                path.push(index);
                add_include((*list)[index], path, "a file name", including);
                path.pop();
            }
        } else {
            add_include(includes->value, path, "a file name or a list of them", including);
        }
    }

    void add_include(const Value& value, const Path& path, const std::string& expected,
                     const fs::path& including) {
        if (value.substitution && value.substitution->failed) return;
        const std::optional<std::string_view> name = value.text();
        if (!name || name->empty() || name->find('\0') != std::string_view::npos) {
            problems_.add(value.position, path, "expected " + expected + ", found " + found(value));
            return;
        }
        const fs::path file = (including.parent_path() / fs::path(*name)).lexically_normal();
        const Include include{value.position, path};
        add_file(Input(file.string()), &include);
    }

    void add_set(const std::string& set) {
        // Messages show the path only, because the value may be secret.
        const std::size_t equals = set.find('=');
        const std::string name =
            printable(set.substr(0, equals)) + (equals == std::string::npos ? "" : "=...");
        auto source = std::make_shared<Source>(Source{"--set " + name, next_source_++, true});
        const Position position{source, 0, 0};
        if (utf8_prefix(set) < set.size()) {
            problems_.add(position, {}, "not UTF-8");
        } else if (equals == std::string::npos || equals == 0) {
            problems_.add(position, {}, "expected path=value");
        } else {
            const std::string path = set.substr(0, equals);
            if (static_cast<std::size_t>(std::count(path.begin(), path.end(), '.')) >=
                sources_.limits.depth) {
                problems_.add(
                    position, {},
                    "the path has more than " + std::to_string(sources_.limits.depth) + " parts");
                return;
            }
            Value value = value_from_text(set.substr(equals + 1), source, allowance_, true);
            value.position = position;
            Value root = Value::object();
            root.position = position;
            root.get<Value::Object>()->push_back({path, position, std::move(value)});
            layers_.push_back({std::move(source), std::move(root)});
        }
    }

    const Sources& sources_;
    Allowance allowance_;
    Problems& problems_;
    std::vector<Layer> layers_;
    std::vector<Open> open_;      // the files being read, from the outermost to the included one
    std::set<std::string> seen_;  // identities of all files read
    std::size_t next_source_ = 0;
};

}  // namespace

std::vector<Layer> read_layers(const Sources& sources, Problems& problems) {
    return LayerReader(sources, problems).read();
}

}  // namespace weir::config
