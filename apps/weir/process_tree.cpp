#include "apps/weir/process_tree.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace weir::app {

namespace {

namespace fs = std::filesystem;

struct Status {
    char state = 0;
    pid_t parent = 0;
    pid_t group = 0;
};

// Returns whether the process is there. Its name, in parentheses, may hold anything.
bool read_status(const fs::path& folder, Status& status) {
    std::ifstream file(folder / "stat");
    std::string text;
    std::getline(file, text, '\0');
    const std::size_t name_end = text.rfind(')');
    return name_end != std::string::npos &&
           std::sscanf(text.c_str() + name_end + 1, " %c %d %d", &status.state, &status.parent,
                       &status.group) == 3;
}

template <class F>
void for_each_process(F visit) {
    std::error_code ignored;
    for (fs::directory_iterator entry("/proc", ignored), end; entry != end;
         entry.increment(ignored)) {
        const std::string name = entry->path().filename().string();
        Status status;
        if (std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
            read_status(entry->path(), status)) {
            visit(static_cast<pid_t>(std::stoi(name)), status);
        }
    }
}

bool lives(const Status& status) {
    return status.state != 'Z' && status.state != 'X';
}

}  // namespace

std::vector<LivingProcess> descendants(pid_t process, const std::vector<pid_t>& left_out) {
    struct Child {
        LivingProcess process;
        bool lives;
    };
    std::multimap<pid_t, Child> children;
    for_each_process([&](pid_t id, const Status& status) {
        children.insert({status.parent, {{id, status.group}, lives(status)}});
    });
    std::vector<LivingProcess> found;
    std::vector<pid_t> parents{process};
    while (!parents.empty()) {
        const auto [first, last] = children.equal_range(parents.back());
        parents.pop_back();
        for (auto child = first; child != last; ++child) {
            const LivingProcess& its = child->second.process;
            if (std::find(left_out.begin(), left_out.end(), its.id) != left_out.end()) {
                continue;
            }
            parents.push_back(its.id);
            if (child->second.lives) {
                found.push_back(its);
            }
        }
    }
    return found;
}

bool group_lives(pid_t group) {
    bool found = false;
    for_each_process([&](pid_t, const Status& status) {
        found = found || (status.group == group && lives(status));
    });
    return found;
}

}  // namespace weir::app
