#include "controller/privileges.h"

#include <array>
#include <cstdio>
#include <memory>
#include <sys/prctl.h>
#include <sys/utsname.h>

#include <sys/capability.h>

namespace glb {

namespace {

constexpr std::array<cap_value_t, 3> required_caps{CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON};
constexpr std::array<const char *, 3> required_names{"CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON"};

struct CapFree {
    void operator()(_cap_struct *caps) const { ::cap_free(caps); }
};
using Caps = std::unique_ptr<_cap_struct, CapFree>;

} // namespace

Status check_machine() {
    utsname name{};
    unsigned major = 0;
    unsigned minor = 0;
    if (::uname(&name) == 0 && std::sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
        (major < 6 || (major == 6 && minor < 1)))
        return fail("kernel {} is not supported (minimum 6.1)", name.release);
    const Caps caps(::cap_get_proc());
    for (std::size_t i = 0; caps && i < required_caps.size(); ++i) {
        cap_flag_value_t value = CAP_CLEAR;
        if (::cap_get_flag(caps.get(), required_caps[i], CAP_EFFECTIVE, &value) != 0 || value != CAP_SET)
            return fail("{} is missing: run glbd as root, or give it CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON",
                        required_names[i]);
    }
    return {};
}

Status drop_privileges() {
    for (int cap = 0; cap <= CAP_LAST_CAP; ++cap)
        (void)::prctl(PR_CAPBSET_DROP, cap, 0, 0,
                      0); // needs CAP_SETPCAP; without it the sets below suffice
    (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const Caps caps(::cap_init());
    if (!caps ||
        ::cap_set_flag(caps.get(), CAP_PERMITTED, required_caps.size(), required_caps.data(), CAP_SET) != 0 ||
        ::cap_set_flag(caps.get(), CAP_EFFECTIVE, required_caps.size(), required_caps.data(), CAP_SET) != 0 ||
        ::cap_set_proc(caps.get()) != 0)
        return fail_errno(errno, "cannot drop privileges");
    return {};
}

} // namespace glb
