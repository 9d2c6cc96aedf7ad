#include "controller/config/manifest_diff.h"

#include <algorithm>
#include <array>

#include "controller/config/exporter.h"

namespace glb::config {

namespace {

using nlohmann::ordered_json;

constexpr std::array<std::string_view, 3> action_names = {"add", "change", "remove"};
constexpr std::array<std::string_view, 4> kind_names = {"node", "endpoint", "targetGroup", "target"};

const std::string &name_of(const Endpoint &endpoint) {
    return endpoint.name;
}
const std::string &name_of(const TargetGroup &group) {
    return group.name;
}
const std::string &name_of(const Target &target) {
    return target.id;
}

template <typename T>
const T *find(const std::vector<T> &list, const std::string &key) {
    const auto found =
        std::find_if(list.begin(), list.end(), [&](const T &item) { return name_of(item) == key; });
    return found == list.end() ? nullptr : &*found;
}

class Differ {
  public:
    void node(const Manifest *before, const Manifest &after) {
        const auto &name = after.node.name;
        add_change(ChangeKind::node, name.empty() ? "node" : name,
                   before ? export_node_and_flow_log(*before) : ordered_json(),
                   export_node_and_flow_log(after));
    }

    void endpoints(const std::vector<Endpoint> &before, const std::vector<Endpoint> &after) {
        for_each_pair(before, after,
                      [&](const std::string &name, const Endpoint *old, const Endpoint *current) {
                          add_change(ChangeKind::endpoint, name, old ? export_endpoint(*old) : ordered_json(),
                                     current ? export_endpoint(*current) : ordered_json());
                      });
    }

    void target_groups(const std::vector<TargetGroup> &before, const std::vector<TargetGroup> &after) {
        static const std::vector<Target> none;
        for_each_pair(
            before, after, [&](const std::string &name, const TargetGroup *old, const TargetGroup *current) {
                add_change(ChangeKind::target_group, name, old ? export_target_group(*old) : ordered_json(),
                           current ? export_target_group(*current) : ordered_json());
                targets(name, old ? old->targets : none, current ? current->targets : none);
            });
    }

    std::vector<ManifestChange> changes() && { return std::move(changes_); }

  private:
    static ordered_json export_node_and_flow_log(const Manifest &manifest) {
        auto out = export_node(manifest.node);
        if (manifest.flow_log)
            out["flowLog"] = export_flow_log(*manifest.flow_log);
        return out;
    }

    void targets(const std::string &group, const std::vector<Target> &before,
                 const std::vector<Target> &after) {
        for_each_pair(before, after, [&](const std::string &id, const Target *old, const Target *current) {
            add_change(ChangeKind::target, group + '/' + id, old ? export_target(*old) : ordered_json(),
                       current ? export_target(*current) : ordered_json());
        });
    }

    /// Calls `visit(name, old, current)` for all of `after`, then for what is only in `before`.
    template <typename T, typename Visit>
    static void for_each_pair(const std::vector<T> &before, const std::vector<T> &after, Visit visit) {
        for (const auto &item : after)
            visit(name_of(item), find(before, name_of(item)), &item);
        for (const auto &item : before)
            if (find(after, name_of(item)) == nullptr)
                visit(name_of(item), &item, static_cast<const T *>(nullptr));
    }

    void add_change(ChangeKind kind, std::string name, ordered_json before, ordered_json after) {
        if (before == after)
            return;
        const auto action = before.is_null()  ? ChangeAction::add
                            : after.is_null() ? ChangeAction::remove
                                              : ChangeAction::change;
        changes_.push_back({action, kind, std::move(name), std::move(before), std::move(after)});
    }

    std::vector<ManifestChange> changes_;
};

} // namespace

std::string_view to_string(ChangeAction action) {
    return action_names[static_cast<std::size_t>(action)];
}

std::string_view to_string(ChangeKind kind) {
    return kind_names[static_cast<std::size_t>(kind)];
}

std::vector<ManifestChange> diff_manifests(const Manifest *before, const Manifest &after) {
    static const Manifest empty;
    const auto &old = before ? *before : empty;
    Differ differ;
    differ.node(before, after);
    differ.endpoints(old.endpoints, after.endpoints);
    differ.target_groups(old.target_groups, after.target_groups);
    return std::move(differ).changes();
}

ordered_json to_json(const ManifestChange &change) {
    return {{"action", to_string(change.action)},
            {"kind", to_string(change.kind)},
            {"name", change.name},
            {"before", change.before},
            {"after", change.after}};
}

ordered_json to_json(const std::vector<ManifestChange> &changes) {
    ordered_json out = ordered_json::array();
    for (const auto &change : changes)
        out.push_back(to_json(change));
    return out;
}

} // namespace glb::config
