#include "controller/util/descriptor_limit.h"

#include <cerrno>

#include <sys/resource.h>

namespace glb {

Status raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return fail_errno(errno, "cannot read the limit of open files");
    if (limit.rlim_max < base_descriptors)
        return fail(
            "the hard limit of open files is {}, glbd needs at least {}; fix: raise LimitNOFILE of the "
            "service, or ulimit -Hn",
            limit.rlim_max, base_descriptors);
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return fail_errno(errno, "cannot raise the limit of open files to {}", limit.rlim_max);
    return {};
}

std::uint64_t descriptor_limit() {
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

} // namespace glb
