#include "controller/datapath/pins.h"

#include <charconv>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <bpf/bpf.h>

#include "controller/util/fd.h"
#include "controller/util/files.h"

namespace glb::datapath {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view link_prefix = "xdp-";

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
        return fail_errno(errno, "cannot look at {}", there.string());
    if (info.f_type != BPF_FS_MAGIC)
        return fail("{} is on no BPF file system, and pins need one: mount -t bpf bpf /sys/fs/bpf, or name "
                    "another folder by --bpffs",
                    path.string());
    return {};
}

Status remove_files(const fs::path &folder) {
    std::error_code code;
    std::vector<fs::path> files;
    for (const auto &entry : fs::directory_iterator(folder, code))
        files.push_back(entry.path());
    for (const auto &file : files)
        if (!fs::remove(file, code) && code)
            return fail_errno(code.value(), "cannot remove the pin {}", file.string());
    return {};
}

} // namespace

Pins::Pins(fs::path root) : root_(std::move(root)), maps_(root_ / "maps"), links_(root_ / "links") {}

Result<Pins> Pins::open(const fs::path &bpffs) {
    GLB_TRY(check_file_system(bpffs));
    Pins pins(bpffs / fmt::format("v{}", GLB_SCHEMA));
    for (const auto &folder : {pins.maps_, pins.links_})
        GLB_TRY(make_folders(folder, 0700));
    return pins;
}

fs::path Pins::link(unsigned ifindex) const {
    return links_ / fmt::format("{}{}", link_prefix, ifindex);
}

std::vector<unsigned> Pins::links() const {
    std::vector<unsigned> found;
    std::error_code code;
    for (const auto &entry : fs::directory_iterator(links_, code)) {
        const auto name = entry.path().filename().string();
        unsigned ifindex = 0;
        if (name.starts_with(link_prefix) &&
            std::from_chars(name.data() + link_prefix.size(), name.data() + name.size(), ifindex).ec == std::errc{})
            found.push_back(ifindex);
    }
    return found;
}

Result<std::optional<glb_kept>> Pins::kept() const {
    Fd fd(bpf_obj_get(map("glb_kept").c_str()));
    if (!fd) {
        if (errno == ENOENT)
            return std::nullopt;
        return fail_errno(errno, "cannot open the pin {}", map("glb_kept").string());
    }
    const std::uint32_t zero = 0;
    glb_kept kept{};
    if (bpf_map_lookup_elem(fd.get(), &zero, &kept) != 0)
        return fail_errno(errno, "cannot read the pin {}", map("glb_kept").string());
    if (kept.schema != GLB_SCHEMA)
        return std::nullopt;
    return kept;
}

Status Pins::remove_maps() const {
    return remove_files(maps_);
}

Status Pins::remove_all() const {
    GLB_TRY(remove_files(links_));
    GLB_TRY(remove_files(maps_));
    std::error_code code;
    for (const auto &folder : {links_, maps_, root_, root_.parent_path()})
        fs::remove(folder, code); // the last one may be somebody's mount point: then it stays
    return {};
}

} // namespace glb::datapath
