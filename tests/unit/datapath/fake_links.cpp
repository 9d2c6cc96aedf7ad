#include "tests/unit/datapath/fake_links.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <linux/if_link.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

namespace glb::test {

namespace {

FakeInterfaces *current = nullptr;

int failure(int code) {
    errno = code;
    return -1;
}

} // namespace

/// Map ids are written to the caller's array, if it has one.
void FakeProgram::read_info(void *info) const {
    bpf_prog_info all{};
    std::memcpy(&all, info, sizeof all);
    auto *ids = reinterpret_cast<std::uint32_t *>(static_cast<std::uintptr_t>(all.map_ids));
    std::copy_n(map_ids_.begin(), std::min<std::size_t>(ids ? all.nr_map_ids : 0, map_ids_.size()), ids);
    all.nr_map_ids = static_cast<std::uint32_t>(map_ids_.size());
    all.id = id();
    std::memset(all.tag, tag_, sizeof all.tag);
    std::memcpy(info, &all, sizeof all);
}

bool FakeProgram::uses(std::uint32_t map_id) const {
    return std::find(map_ids_.begin(), map_ids_.end(), map_id) != map_ids_.end();
}

void FakeLink::read_info(void *info) const {
    bpf_link_info all{};
    all.id = id();
    all.type = BPF_LINK_TYPE_XDP;
    all.prog_id = program_id;
    all.xdp.ifindex = ifindex;
    std::memcpy(info, &all, sizeof all);
}

FakeInterfaces::FakeInterfaces() {
    current = this;
    operations().reset();
}

FakeInterfaces::~FakeInterfaces() {
    current = nullptr;
}

FakeInterface *FakeInterfaces::find(unsigned ifindex) {
    const auto found = interfaces_.find(ifindex);
    return found == interfaces_.end() ? nullptr : &found->second;
}

void FakeInterfaces::remove(unsigned ifindex) {
    if (auto *link = interfaces_[ifindex].link)
        link->ifindex = 0;
    interfaces_.erase(ifindex);
}

std::uint32_t FakeInterfaces::program(unsigned ifindex) const {
    const auto found = interfaces_.find(ifindex);
    if (found == interfaces_.end())
        return 0;
    return found->second.link ? found->second.link->program_id : found->second.foreign_program;
}

FakeLink &FakeInterfaces::create_link(unsigned ifindex, std::uint32_t program) {
    links_.push_back(std::make_unique<FakeLink>(ifindex, program));
    interfaces_[ifindex].link = links_.back().get();
    return *links_.back();
}

} // namespace glb::test

using namespace glb::test;

extern "C" {

int bpf_link_create(int program, int ifindex, enum bpf_attach_type,
                    const struct bpf_link_create_opts *options) {
    const auto *object = find_fake<FakeProgram>(program);
    auto *interface = current->find(static_cast<unsigned>(ifindex));
    if (!object || !interface)
        return failure(object ? ENODEV : EBADF);
    if (!operations().begin(fmt::format("attach {}", ifindex)))
        return -1;
    const bool is_native = (options->flags & XDP_FLAGS_DRV_MODE) != 0;
    if (is_native && !interface->has_native_mode)
        return failure(EOPNOTSUPP);
    if (interface->link || interface->foreign_program != 0)
        return failure(EBUSY);
    interface->is_generic = !is_native;
    return current->create_link(static_cast<unsigned>(ifindex), object->id()).duplicate().release();
}

int bpf_link_update(int fd, int program, const struct bpf_link_update_opts *) {
    auto *link = find_fake<FakeLink>(fd);
    const auto *object = find_fake<FakeProgram>(program);
    if (!link || !object)
        return failure(EBADF);
    if (link->ifindex == 0)
        return failure(ENOLINK);
    if (!operations().begin(fmt::format("update {}", link->ifindex)))
        return -1;
    link->program_id = object->id();
    return 0;
}

int bpf_link_detach(int fd) {
    auto *link = find_fake<FakeLink>(fd);
    if (!link)
        return failure(EBADF);
    if (!operations().begin(fmt::format("detach {}", link->ifindex)))
        return -1;
    if (auto *interface = current->find(link->ifindex))
        interface->link = nullptr;
    link->ifindex = 0;
    return 0;
}

int bpf_xdp_query(int ifindex, int, struct bpf_xdp_query_opts *options) {
    const auto *interface = current->find(static_cast<unsigned>(ifindex));
    if (!interface)
        return -ENODEV;
    options->prog_id = current->program(static_cast<unsigned>(ifindex));
    options->attach_mode = options->prog_id == 0   ? XDP_ATTACHED_NONE
                           : interface->is_generic ? XDP_ATTACHED_SKB
                                                   : XDP_ATTACHED_DRV;
    return 0;
}

/// As without CAP_SYS_ADMIN: programs cannot be opened by id.
struct xdp_multiprog *xdp_multiprog__get_from_ifindex(int) {
    return reinterpret_cast<struct xdp_multiprog *>(static_cast<std::intptr_t>(-EPERM));
}

} // extern "C"
