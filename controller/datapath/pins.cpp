#include "controller/datapath/pins.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <linux/magic.h>
#include <string_view>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "controller/util/fd.h"
#include "controller/util/files.h"
#include "controller/util/numbers.h"

namespace glb::datapath {

namespace {

namespace fs = std::filesystem;

/// The nearest part of `path` that exists.
fs::path existing_part(fs::path path) {
    std::error_code ignored;
    while (path.has_relative_path() && !fs::exists(path, ignored))
        path = path.parent_path();
    return path;
}

Status check_file_system(const fs::path &path) {
    struct statfs info {};
    const auto there = existing_part(fs::absolute(path));
    if (::statfs(there.c_str(), &info) != 0)
        return fail_errno(errno, "cannot read the file system of {}", there.string());
    if (info.f_type != BPF_FS_MAGIC)
        return fail("{} is not on a BPF file system: mount one (mount -t bpf bpf /sys/fs/bpf) or choose "
                    "another directory with --bpffs",
                    path.string());
    return {};
}

/// Paths of the entries; none if the folder does not exist.
Result<std::vector<fs::path>> list_folder(const fs::path &folder) {
    std::vector<fs::path> entries;
    std::error_code code;
    for (fs::directory_iterator at(folder, code); !code && at != fs::directory_iterator(); at.increment(code))
        entries.push_back(at->path());
    if (code && code != std::errc::no_such_file_or_directory)
        return fail_errno(code.value(), "cannot read directory {}", folder.string());
    return entries;
}

Status remove_files(const fs::path &folder) {
    GLB_ASSIGN(const auto files, list_folder(folder));
    std::error_code code;
    for (const auto &file : files)
        if (!fs::remove(file, code) && code)
            return fail_errno(code.value(), "cannot remove the pin {}", file.string());
    fs::remove(folder, code);
    return {};
}

/// A number as std::to_string() writes it: no leading zeros.
std::optional<std::uint32_t> number_of(std::string_view text) {
    const auto number = parse_number<std::uint32_t>(text);
    return number && std::to_string(*number) == text ? number : std::nullopt;
}

/// The schema in `v<schema>` or `v<schema>-<n>`; 0 if the name is not that of a set.
std::uint32_t schema_of(std::string_view name) {
    if (!name.starts_with('v'))
        return 0;
    const auto dash = name.find('-');
    const auto schema = parse_number<std::uint32_t>(name.substr(1, dash - 1));
    const bool has_number = dash == name.npos || parse_number<std::uint32_t>(name.substr(dash + 1));
    return has_number ? schema.value_or(0) : 0;
}

/// Names of maps up to schema 2, by their present names.
const std::map<std::string, std::string> schema_2_names = {
    {"glb_flows_hot", "glb_flows"},
    {"glb_metadata", "glb_kept"},
    {"glb_index_names", "glb_names"},
    {"glb_maglev_fingerprints", "glb_table_prints"},
    {"glb_target_state", "glb_target_words"},
    {"glb_group_action", "glb_group_words"},
    {"glb_endpoint_override", "glb_endpoint_words"},
};

constexpr const char *parts[] = {"programs", "tables", "maps"}; // in the order of their removal

} // namespace

Status Pins::make_all() const {
    for (const auto *part : parts)
        GLB_TRY(make_folders(root_ / part, 0700));
    return make_folders(root_.parent_path() / "links", 0700);
}

Result<Pins> Pins::open(const fs::path &bpffs) {
    GLB_TRY(check_file_system(bpffs));
    return Pins(bpffs / fmt::format("v{}", GLB_SCHEMA), GLB_SCHEMA);
}

Result<Pins> Pins::make(const fs::path &bpffs) {
    GLB_TRY(check_file_system(bpffs));
    for (unsigned number = 0;; ++number) {
        auto name = fmt::format("v{}", GLB_SCHEMA);
        if (number)
            name += fmt::format("-{}", number);
        Pins pins(bpffs / name, GLB_SCHEMA);
        GLB_ASSIGN(const auto maps, list_folder(pins.maps()));
        if (!maps.empty())
            continue;
        GLB_TRY(pins.make_all());
        return pins;
    }
}

Result<std::vector<Pins>> Pins::all(const fs::path &bpffs) {
    std::vector<Pins> found;
    GLB_ASSIGN(const auto entries, list_folder(bpffs));
    for (const auto &path : entries)
        if (const auto schema = schema_of(path.filename().string()))
            found.push_back(Pins(path, schema));
    std::sort(found.begin(), found.end(), [](const Pins &a, const Pins &b) { return a.root_ < b.root_; });
    return found;
}

fs::path Pins::map(const std::string &name) const {
    const auto old = schema_ <= 2 ? schema_2_names.find(name) : schema_2_names.end();
    return maps() / (old == schema_2_names.end() ? name : old->second);
}

fs::path Pins::table(std::uint32_t index) const {
    return root_ / "tables" / std::to_string(index);
}

Status Pins::pin_program(int program) const {
    bpf_prog_info info{};
    std::uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(program, &info, &size) != 0)
        return fail_errno(errno, "cannot read the info of the program");
    const auto path = root_ / "programs" / std::to_string(info.id);
    if (bpf_obj_pin(program, path.c_str()) != 0 && errno != EEXIST)
        return fail_errno(errno, "cannot pin the program as {}", path.string());
    return {};
}

Result<std::set<std::uint32_t>> Pins::program_ids() const {
    std::set<std::uint32_t> ids;
    GLB_ASSIGN(const auto entries, list_folder(root_ / "programs"));
    for (const auto &path : entries)
        if (const auto id = number_of(path.filename().string()))
            ids.insert(*id);
    return ids;
}

Result<ProgramFds> Pins::programs() const {
    ProgramFds found;
    GLB_ASSIGN(const auto ids, program_ids());
    for (const auto id : ids) {
        const auto pin = root_ / "programs" / std::to_string(id);
        GLB_ASSIGN(auto fd, open_if_pinned(pin));
        if (!fd)
            continue;
        bpf_prog_info info{};
        std::uint32_t size = sizeof info;
        if (bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0)
            return fail_errno(errno, "cannot open the pin {}", pin.string());
        if (info.id == id)
            found.emplace(id, std::move(fd));
    }
    return found;
}

Status Pins::unpin_programs_except(const std::set<std::uint32_t> &ids) const {
    GLB_ASSIGN(const auto pinned, program_ids());
    for (const auto id : pinned)
        if (const auto path = root_ / "programs" / std::to_string(id);
            !ids.contains(id) && ::unlink(path.c_str()) != 0 && errno != ENOENT)
            return fail_errno(errno, "cannot remove the pin {}", path.string());
    return {};
}

fs::path Pins::link(unsigned ifindex) const {
    return root_.parent_path() / "links" / fmt::format("{}{}", link_prefix, ifindex);
}

Result<std::vector<unsigned>> Pins::links() const {
    std::vector<unsigned> found;
    GLB_ASSIGN(const auto entries, list_folder(root_.parent_path() / "links"));
    for (const auto &path : entries) {
        const auto name = path.filename().string();
        if (name.starts_with(link_prefix))
            if (const auto ifindex = number_of(std::string_view(name).substr(link_prefix.size())))
                found.push_back(*ifindex);
    }
    return found;
}

Result<std::optional<glb_metadata>> Pins::metadata() const {
    const auto pin = map(Map::metadata);
    GLB_ASSIGN(const auto fd, open_if_pinned(pin));
    if (!fd)
        return std::nullopt;
    bpf_map_info info{};
    std::uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0)
        return fail_errno(errno, "cannot read the info of the pin {}", pin.string());
    const std::uint32_t zero = 0;
    std::vector<std::byte> row(std::max<std::size_t>(info.value_size, sizeof(glb_metadata)));
    if (bpf_map_lookup_elem(fd.get(), &zero, row.data()) != 0)
        return fail_errno(errno, "cannot read the pin {}", pin.string());
    glb_metadata metadata{};
    std::memcpy(&metadata, row.data(), sizeof metadata); // the row begins alike in every schema
    if (metadata.schema != schema_ || metadata.shape.bucket_mask == 0)
        return std::nullopt;
    return metadata;
}

Result<std::vector<std::string>> Pins::index_names() const {
    const auto pin = map(Map::index_names);
    GLB_ASSIGN(const auto fd, open_pin(pin));
    std::vector<std::string> names;
    names.reserve(GLB_INDEX_NAMES);
    for (std::uint32_t row = 0; row < GLB_INDEX_NAMES; ++row) {
        glb_index_name name{};
        if (bpf_map_lookup_elem(fd.get(), &row, &name) != 0)
            return fail_errno(errno, "cannot read row {} of the pin {}", row, pin.string());
        names.emplace_back(name.text, ::strnlen(name.text, sizeof name.text));
    }
    return names;
}

Status Pins::remove() const {
    // The metadata first: without it no daemon takes over what is left of the set.
    const auto metadata = map(Map::metadata);
    if (::unlink(metadata.c_str()) != 0 && errno != ENOENT)
        return fail_errno(errno, "cannot remove the pin {}", metadata.string());
    for (const auto *part : parts)
        GLB_TRY(remove_files(root_ / part));
    std::error_code code;
    fs::remove(root_, code);
    return {};
}

Status Pins::remove_all() const {
    const auto bpffs = root_.parent_path();
    GLB_TRY(remove_files(bpffs / "links"));
    GLB_ASSIGN(const auto sets, all(bpffs));
    for (const auto &pins : sets)
        GLB_TRY(pins.remove());
    std::error_code code;
    fs::remove(bpffs, code); // fails if it is a mount point
    return {};
}

Result<Fd> open_if_pinned(const fs::path &pin) {
    Fd fd(bpf_obj_get(pin.c_str()));
    if (!fd && errno != ENOENT)
        return fail_errno(errno, "cannot open the pin {}", pin.string());
    return fd;
}

Result<Fd> open_pin(const fs::path &pin) {
    GLB_ASSIGN(auto fd, open_if_pinned(pin));
    if (!fd)
        return fail_errno(ENOENT, "cannot open the pin {}", pin.string());
    return fd;
}

} // namespace glb::datapath
