#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/run/task.h"
#include "modules/system/server/load.h"
#include "modules/system/server/loader_parts.h"
#include "modules/system/server/old_versions.h"
#include "modules/system/server/release.h"

namespace weir {

// One reload: replaces modules, and all that depend on them, by what their files are now, as one
// step. docs/inside.md has the story as a whole. Lives until the modules are replaced, or stay.
class Reload {
public:
    Reload(LoaderParts& parts, Load& load, Release& release, OldVersions& old_versions) noexcept
        : parts_(parts), load_(load), release_(release), old_versions_(old_versions) {}

    // Replaces the modules. Throws as Loader::reload. Once.
    Task<> run(std::vector<std::string> names);

private:
    // A version that is to take the place of the one in the entry.
    struct Successor : ModuleVersion {
        ModuleEntry* entry = nullptr;
        const Handover* gives = nullptr;  // how the old one hands its state over; null: it does not
        const Handover* takes = nullptr;
        std::shared_ptr<void> state;
        bool has_state = false;  // given by the old one, and not taken yet
        bool took = false;
    };

    void open_successors(const std::vector<std::string>& names);
    using Opened = std::map<std::string, std::unique_ptr<Successor>>;
    std::unique_ptr<Successor> open_successor(const std::string& name, const Opened& opened);
    FoundModule open(const std::string& name, const Opened& opened) const;
    void require_versions(const Successor& successor, const Opened& opened) const;
    Task<> replace();
    Task<> bring_up(Successor& successor);
    bool replaces(const std::string& name) const noexcept;
    static void agree_on_state(Successor& successor);
    Task<> end_calls_before_handover();
    Task<> complete_states();
    void exchange_versions() noexcept;
    void take_states();
    void hand_over_states();
    void hand_back() noexcept;
    void prepare_to_take_places();
    void take_places();
    void retire_old_versions();
    Task<> discard();

    LoaderParts& parts_;
    Load& load_;
    Release& release_;
    OldVersions& old_versions_;
    // Dependencies before their users. None moves: routines refer to them.
    std::vector<std::unique_ptr<Successor>> successors_;
};

}  // namespace weir
