#include "tests/harness/netns.h"

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <mutex>
#include <net/if.h>
#include <sched.h>
#include <stdexcept>
#include <sys/mount.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <harness_sample.skel.h>

namespace glb::test {

namespace {

[[noreturn]] void fail_errno_now(const std::string &what) {
    throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
}

} // namespace

void remove_dead_namespaces() {
    std::error_code none;
    for (const auto &entry : std::filesystem::directory_iterator("/run/netns", none)) {
        const auto name = entry.path().filename().string();
        int pid = 0;
        if (std::sscanf(name.c_str(), "glbt-%d-", &pid) == 1 && ::kill(pid, 0) != 0 && errno == ESRCH)
            (void)run_command({"ip", "netns", "del", name});
    }
}

Namespace::Namespace(const std::string &name) : name_(fmt::format("glbt-{}-{}", getpid(), name)) {
    static std::once_flag swept;
    std::call_once(swept, remove_dead_namespaces);
    must_run({"ip", "netns", "add", name_});
    try {
        fd_ = Fd(open(("/run/netns/" + name_).c_str(), O_RDONLY | O_CLOEXEC));
        if (!fd_)
            fail_errno_now(name_);
        must({"ip", "link", "set", "lo", "up"});
        sysctl("net/ipv6/conf/default/accept_dad", "0");
    } catch (...) {
        (void)run_command({"ip", "netns", "del", name_});
        throw;
    }
}

Namespace::~Namespace() {
    (void)run_command({"ip", "netns", "del", name_});
}

void Namespace::on_thread(const std::function<void()> &function) const {
    std::exception_ptr thrown;
    std::thread thread([&] {
        try {
            if (setns(fd(), CLONE_NEWNET) != 0)
                fail_errno_now("setns " + name_);
            function();
        } catch (...) {
            thrown = std::current_exception();
        }
    });
    thread.join();
    if (thrown)
        std::rethrow_exception(thrown);
}

void Namespace::sysctl(const std::string &key, const std::string &value) const {
    call([&] {
        std::ofstream file("/proc/sys/" + key);
        if (!(file << value << std::flush))
            throw std::runtime_error(fmt::format("{}: cannot set {} to {}", name_, key, value));
    });
}

void Namespace::address(const std::string &dev, const std::string &prefix) const {
    must({"ip", "address", "add", prefix, "dev", dev});
}

void Namespace::route(const std::string &prefix, const std::string &via) const {
    must({"ip", "route", "add", prefix, "via", via});
}

unsigned Namespace::ifindex(const std::string &dev) const {
    const unsigned index = call([&] { return if_nametoindex(dev.c_str()); });
    if (index == 0)
        throw std::runtime_error(fmt::format("{} has no interface {}", name_, dev));
    return index;
}

void veth(const Namespace &left, const std::string &left_dev, const Namespace &right,
          const std::string &right_dev, unsigned mtu) {
    const auto size = std::to_string(mtu);
    must_run({"ip", "link", "add", left_dev, "mtu", size, "netns", left.name(), "type", "veth", "peer",
              "name", right_dev, "mtu", size, "netns", right.name()});
    for (const auto &[ns, dev] : {std::pair{&left, &left_dev}, std::pair{&right, &right_dev}}) {
        ns->must({"ethtool", "-K", *dev, "tx", "off", "rxvlan", "off", "txvlan", "off"});
        ns->must({"ip", "link", "set", *dev, "up"});
    }
}

XdpPass::XdpPass(const Namespace &ns, const std::string &dev) : skeleton_(harness_sample::open_and_load()) {
    if (skeleton_ == nullptr)
        fail_errno_now("cannot load XDP_PASS");
    const auto index = ns.ifindex(dev);
    link_ = ns.call(
        [&] { return bpf_program__attach_xdp(skeleton_->progs.harness_pass, static_cast<int>(index)); });
    if (link_ == nullptr) {
        const int code = errno;
        harness_sample::destroy(skeleton_);
        throw std::runtime_error(fmt::format("cannot attach XDP_PASS to {}: {}", dev, std::strerror(code)));
    }
}

XdpPass::XdpPass(XdpPass &&other) noexcept
    : skeleton_(std::exchange(other.skeleton_, nullptr)), link_(std::exchange(other.link_, nullptr)) {}

XdpPass::~XdpPass() {
    bpf_link__destroy(link_);
    harness_sample::destroy(skeleton_);
}

Bpffs::Bpffs() {
    auto text =
        (std::filesystem::temp_directory_path() / fmt::format("glbt-{}-bpffs-XXXXXX", getpid())).string();
    if (mkdtemp(text.data()) == nullptr)
        fail_errno_now(text);
    path_ = text;
    if (mount("bpf", text.c_str(), "bpf", 0, nullptr) != 0) {
        const int code = errno;
        rmdir(text.c_str());
        errno = code;
        fail_errno_now("bpffs on " + text);
    }
}

Bpffs::~Bpffs() {
    umount2(path_.c_str(), MNT_DETACH);
    rmdir(path_.c_str());
}

} // namespace glb::test
