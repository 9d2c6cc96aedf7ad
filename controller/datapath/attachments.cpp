#include "controller/datapath/attachments.h"

#include <algorithm>
#include <cstring>
#include <linux/if_link.h>
#include <set>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

#include "controller/datapath/pin_repair.h"
#include "controller/util/interface_ref.h"

namespace glb::datapath {

namespace {

/// Interface index of an XDP link; 0 if its interface is gone and the link is dead.
unsigned interface_of(int link) {
    bpf_link_info info{};
    std::uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(link, &info, &size) != 0 || info.type != BPF_LINK_TYPE_XDP)
        return 0;
    return info.xdp.ifindex;
}

/// The id of the link's program; 0 if the link is dead.
std::uint32_t program_of(int link) {
    bpf_link_info info{};
    std::uint32_t size = sizeof info;
    return bpf_obj_get_info_by_fd(link, &info, &size) == 0 ? info.prog_id : 0;
}

/// Whether both have the same instructions, by their tag (a SHA-1).
bool is_same(int one, int other) {
    bpf_prog_info a{}, b{};
    std::uint32_t a_size = sizeof a, b_size = sizeof b;
    return bpf_obj_get_info_by_fd(one, &a, &a_size) == 0 && bpf_obj_get_info_by_fd(other, &b, &b_size) == 0 &&
           std::memcmp(a.tag, b.tag, sizeof a.tag) == 0;
}

std::string describe(const AttachedProgram &attached) {
    auto text = fmt::format("id {}", attached.program_id);
    if (!attached.name.empty())
        text = fmt::format("\"{}\", tag {}, ", attached.name, attached.tag) + text;
    return text;
}

/// How an operator removes the program. Only with more privileges than glbd keeps can be found out what holds it.
std::string removal_of(const AttachedProgram &attached, unsigned ifindex, const std::string &name) {
    if (attached.name.starts_with("glb_xdp"))
        return fmt::format(
            "it belongs to another glbd; remove it with glbctl --socket RUN/glbd.sock down --yes, or, "
            "if that glbd is gone for good, remove the pin links/{}{} in its bpffs (find /sys/fs/bpf "
            "-name {}{})",
            link_prefix, ifindex, link_prefix, ifindex);
    return fmt::format(
        "remove it first: with ip link set dev {} xdp off; if the kernel refuses that, a bpf_link holds "
        "it, whose process or pin bpftool link show and find /sys/fs/bpf -type f show",
        name);
}

std::string hex(const unsigned char *bytes, std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i)
        text += fmt::format("{:02x}", bytes[i]);
    return text;
}

/// Fills in name and tag from libxdp, if the process may look programs up by id.
void read_name(unsigned ifindex, AttachedProgram &attached) {
    auto *const multi = xdp_multiprog__get_from_ifindex(static_cast<int>(ifindex));
    if (libxdp_get_error(multi) != 0)
        return;
    auto *const program = xdp_multiprog__is_legacy(multi) ? xdp_multiprog__main_prog(multi)
                                                          : xdp_multiprog__next_prog(nullptr, multi);
    if (program) {
        attached.name = xdp_program__name(program);
        if (const auto *tag = xdp_program__tag(program))
            attached.tag = hex(tag, BPF_TAG_SIZE);
    }
    xdp_multiprog__close(multi);
}

tl::unexpected<Error> driver_error(int code, const std::string &name, AttachMode mode) {
    const bool native = mode == AttachMode::native;
    Error error{fmt::format("interface {} does not accept a {} XDP program: {}", name,
                            native ? "native" : "generic", std::generic_category().message(code)),
                code, "/node/xdpMode"};
    if (native)
        error.message += "; fix: \"xdpMode\": \"generic\", which every interface accepts but is slower";
    return tl::unexpected(std::move(error));
}

int discard_log(enum libbpf_print_level, const char *, va_list) {
    return 0;
}

} // namespace

Result<AttachedProgram> attached_program(unsigned ifindex) {
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    if (const int code = bpf_xdp_query(static_cast<int>(ifindex), 0, &query); code != 0)
        return fail_errno(-code, "cannot query the XDP program of {}", interface_name(ifindex));
    AttachedProgram attached;
    attached.native = query.attach_mode != XDP_ATTACHED_SKB;
    attached.program_id = query.prog_id;
    if (query.attach_mode == XDP_ATTACHED_MULTI)
        attached.program_id = query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id;
    return attached;
}

Result<Attachments> Attachments::open(Pins pins) {
    Attachments attachments(std::move(pins));
    GLB_ASSIGN(const auto links, attachments.pins_.links());
    for (const auto ifindex : links) {
        const auto path = attachments.pins_.link(ifindex);
        GLB_ASSIGN(auto fd, open_if_pinned(path));
        if (fd && interface_of(fd.get()) == ifindex) {
            Link link{std::move(fd), AttachMode::native};
            if (const auto attached = attached_program(ifindex); attached && !attached->native)
                link.mode = AttachMode::generic;
            attachments.links_.emplace(ifindex, std::move(link));
        } else if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
            return fail_errno(errno, "cannot remove the dead link {}", path.string());
        }
    }
    return attachments;
}

Status all_or_none(const std::vector<unsigned> &order, const std::function<Status(unsigned)> &change,
                   const std::function<Status(unsigned)> &revert) {
    for (std::size_t i = 0; i < order.size(); ++i) {
        auto done = change(order[i]);
        if (done)
            continue;
        while (i-- > 0)
            if (const auto reverted = revert(order[i]); !reverted)
                done.error().message += "; and " + reverted.error().message;
        return done;
    }
    return {};
}

Status Attachments::replace_program(int program, const ProgramFds &previous, unsigned first, bool always) {
    std::vector<unsigned> order;
    std::map<unsigned, const Fd *> before;
    for (const auto &[ifindex, link] : links_) {
        if (interface_of(link.fd.get()) != ifindex)
            continue; // its interface disappeared
        const auto current = previous.find(program_of(link.fd.get()));
        if (!always && current != previous.end() && is_same(current->second.get(), program))
            continue;
        before[ifindex] = current == previous.end() ? nullptr : &current->second;
        order.insert(ifindex == first ? order.begin() : order.end(), ifindex);
    }
    if (!order.empty())
        GLB_TRY(pins_.pin_program(program));
    const auto update = [&](unsigned ifindex, int fd) -> Status {
        const auto &link = links_.at(ifindex);
        if (bpf_link_update(link.fd.get(), fd, nullptr) == 0)
            return {};
        const int code = errno; // which looking up the interface may change
        if (interface_of(link.fd.get()) == ifindex)
            return fail_errno(code, "cannot replace the program on {}", interface_name(ifindex));
        return {};
    };
    const auto done = all_or_none(
        order, [&](unsigned ifindex) { return update(ifindex, program); },
        [&](unsigned ifindex) -> Status {
            if (!before[ifindex])
                return fail("the previous program of {} is unknown", interface_name(ifindex));
            return update(ifindex, before[ifindex]->get());
        });
    std::set<std::uint32_t> used;
    for (const auto &[ifindex, link] : links_)
        used.insert(program_of(link.fd.get()));
    const auto unpinned = pins_.unpin_programs_except(used);
    return done ? unpinned : done;
}

Result<std::vector<std::string>> Attachments::restore_pins(int program) {
    std::vector<std::string> restored;
    for (const auto &[ifindex, link] : links_) {
        if (interface_of(link.fd.get()) != ifindex)
            continue; // dead: its pin is removed with it
        GLB_TRY(pins_.pin_program(program));
        GLB_ASSIGN(const bool was_missing, pin_if_missing(link.fd.get(), pins_.link(ifindex)));
        if (was_missing)
            restored.push_back(pins_.link(ifindex).string());
    }
    return restored;
}

Status Attachments::attach(unsigned ifindex, const std::string &name, AttachMode mode, int program) {
    if (is_attached(ifindex)) {
        if (links_.at(ifindex).mode == mode)
            return {};
        GLB_TRY(detach(ifindex));
    }
    GLB_ASSIGN(auto attached, attached_program(ifindex));
    if (attached.program_id != 0) {
        const auto before =
            libxdp_set_print([](enum libxdp_print_level, const char *, va_list) { return 0; });
        const auto before_bpf = libbpf_set_print(discard_log);
        read_name(ifindex, attached);
        libbpf_set_print(before_bpf);
        libxdp_set_print(before);
        Error error{fmt::format("interface {} has another XDP program ({}): {}", name, describe(attached),
                                removal_of(attached, ifindex, name)),
                    EBUSY};
        return tl::unexpected(std::move(error));
    }
    GLB_TRY(pins_.pin_program(program));
    LIBBPF_OPTS(bpf_link_create_opts, options);
    options.flags = mode == AttachMode::native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
    Fd fd(bpf_link_create(program, static_cast<int>(ifindex), BPF_XDP, &options));
    if (!fd)
        return driver_error(errno, name, mode);
    const auto path = pins_.link(ifindex);
    ::unlink(path.c_str()); // a dead link of an earlier interface with this index
    if (bpf_obj_pin(fd.get(), path.c_str()) != 0)
        return fail_errno(errno, "cannot pin the link of interface {} as {}", name, path.string());
    links_.insert_or_assign(ifindex, Link{std::move(fd), mode});
    return {};
}

Status Attachments::detach(unsigned ifindex) {
    const auto found = links_.find(ifindex);
    if (found == links_.end())
        return {};
    const auto path = pins_.link(ifindex);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return fail_errno(errno, "cannot remove the pin {}", path.string());
    // Another process may have a descriptor of the link: closing ours would not detach the program.
    if (bpf_link_detach(found->second.fd.get()) != 0 && errno != ENODEV && errno != EINVAL &&
        errno != ENOLINK) {
        const int code = errno;
        return fail_errno(code, "cannot detach the program from {}", interface_name(ifindex));
    }
    links_.erase(found);
    return {};
}

bool Attachments::uses(const ProgramFds &programs) const {
    return std::ranges::any_of(
        links_, [&](const auto &link) { return programs.contains(program_of(link.second.fd.get())); });
}

bool Attachments::is_attached(unsigned ifindex) {
    const auto found = links_.find(ifindex);
    if (found == links_.end())
        return false;
    if (interface_of(found->second.fd.get()) == ifindex)
        return true;
    ::unlink(pins_.link(ifindex).c_str());
    links_.erase(found);
    return false;
}

AttachMode Attachments::mode(unsigned ifindex) const {
    const auto found = links_.find(ifindex);
    return found == links_.end() ? AttachMode::native : found->second.mode;
}

std::vector<unsigned> Attachments::interfaces() const {
    std::vector<unsigned> all;
    for (const auto &[ifindex, link] : links_)
        all.push_back(ifindex);
    return all;
}

} // namespace glb::datapath
