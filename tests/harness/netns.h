// Network namespaces, veth pairs between them, and private bpffs mounts. Everything needs root.
#pragma once

#include <exception>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "controller/util/fd.h"
#include "tests/harness/process.h"

struct harness_sample;
struct bpf_link;

namespace glb::test {

/// A namespace /run/netns/glbt-<pid>-<name> with its loopback up and duplicate address detection off. Removed
/// by the destructor. The first construction removes namespaces of dead processes.
class Namespace {
  public:
    /// Throws std::runtime_error, as every function here does.
    explicit Namespace(const std::string &name);
    ~Namespace();
    Namespace(const Namespace &) = delete;
    Namespace &operator=(const Namespace &) = delete;

    [[nodiscard]] const std::string &name() const { return name_; }
    [[nodiscard]] int fd() const { return fd_.get(); }

    [[nodiscard]] CommandResult run(const std::vector<std::string> &argv,
                                    milliseconds timeout = std::chrono::seconds(30)) const {
        return run_command(argv, fd(), timeout);
    }
    /// Returns the output of the command. Throws if it fails.
    std::string must(const std::vector<std::string> &argv) const { return must_run(argv, fd()); }
    [[nodiscard]] Process start(const std::vector<std::string> &argv) const { return Process(argv, fd()); }

    /// Runs `function` on a thread in this namespace; returns its value or rethrows its exception. Catch2's
    /// assertions must not be used on other threads: return a value and check it outside.
    template <typename F>
    auto call(F function) const -> std::invoke_result_t<F> {
        using T = std::invoke_result_t<F>;
        if constexpr (std::is_void_v<T>) {
            on_thread(function);
        } else {
            std::optional<T> result;
            on_thread([&] { result.emplace(function()); });
            return std::move(*result);
        }
    }

    void sysctl(const std::string &key, const std::string &value) const; ///< "net/ipv4/ip_forward"
    void address(const std::string &dev, const std::string &prefix) const;
    void route(const std::string &prefix, const std::string &via) const;
    [[nodiscard]] unsigned ifindex(const std::string &dev) const;

  private:
    void on_thread(const std::function<void()> &function) const;

    std::string name_;
    Fd fd_;
};

/// Removes namespaces of processes that no longer run.
void remove_dead_namespaces();

/// A veth pair between two namespaces, both ends up. Checksum and VLAN offload are off: otherwise TCP
/// segments of a namespace have partial checksums, and XDP does not see VLAN tags.
void veth(const Namespace &left, const std::string &left_dev, const Namespace &right,
          const std::string &right_dev, unsigned mtu = 1500);

/// XDP_PASS, native and with frags, on one interface. A veth delivers XDP_TX and XDP_REDIRECT frames only if
/// its peer has such a program. Detached by the destructor.
class XdpPass {
  public:
    XdpPass(const Namespace &ns, const std::string &dev);
    ~XdpPass();
    XdpPass(XdpPass &&other) noexcept;
    XdpPass &operator=(XdpPass &&) = delete;

  private:
    harness_sample *skeleton_ = nullptr;
    bpf_link *link_ = nullptr;
};
[[nodiscard]] inline XdpPass with_xdp_pass(const Namespace &ns, const std::string &dev) {
    return {ns, dev};
}

/// A bpffs mounted on a temporary folder. The destructor unmounts it, which removes its pins.
class Bpffs {
  public:
    Bpffs();
    ~Bpffs();
    Bpffs(const Bpffs &) = delete;
    Bpffs &operator=(const Bpffs &) = delete;
    [[nodiscard]] const std::filesystem::path &path() const { return path_; }

  private:
    std::filesystem::path path_;
};

} // namespace glb::test
