// BPF objects in memory, by descriptor. The test program defines libbpf's wrappers of bpf(2); the dynamic linker
// prefers these definitions to those of the library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <sys/types.h>

#include "controller/util/fd.h"

namespace glb::test {

/// A map, program or link. Its descriptor is a memory file, recognized by its inode: duplicates refer to the same
/// object, and closed descriptors to none.
class FakeObject {
  public:
    virtual ~FakeObject();
    FakeObject(const FakeObject &) = delete;
    FakeObject &operator=(const FakeObject &) = delete;

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] std::uint32_t id() const { return id_; }
    [[nodiscard]] Fd duplicate() const;
    /// Fills in a bpf_map_info, bpf_prog_info or bpf_link_info.
    virtual void read_info(void *info) const = 0;

    /// Null, with errno EBADF or ENOENT, if there is none.
    [[nodiscard]] static FakeObject *find(int fd);
    [[nodiscard]] static FakeObject *find_id(std::uint32_t id);

  protected:
    /// `bytes`: size of the memory file.
    explicit FakeObject(std::size_t bytes = 0);

  private:
    Fd fd_;
    ino_t inode_ = 0;
    std::uint32_t id_;
};

/// The object of a descriptor if it is a `T`; null, with errno set, if not.
template <typename T>
[[nodiscard]] T *find_fake(int fd) {
    return dynamic_cast<T *>(FakeObject::find(fd));
}

/// What was done to the objects, in order, and what is to fail.
class Operations {
  public:
    /// Records an operation, for example "glb_control[0]". False, with errno set, if it is to fail; then it is not
    /// recorded.
    [[nodiscard]] bool begin(const std::string &name);
    /// The `nth` operation from now fails, 1 being the next. 0: none.
    void fail(std::size_t nth, int code = EIO, std::size_t count = 1);
    /// Whether a failure from fail() is still to come.
    [[nodiscard]] bool fails_later() const;
    /// The recorded operations, which are forgotten.
    [[nodiscard]] std::vector<std::string> take();
    /// Calls `action` before the next operation of this name.
    void before(const std::string &name, std::function<void()> action);
    /// Forgets operations, failures and actions.
    void reset();

  private:
    [[nodiscard]] std::function<void()> take_action(const std::string &name);

    mutable std::mutex mutex_; // a grace period ends on another thread
    std::vector<std::string> done_;
    std::map<std::string, std::function<void()>> actions_;
    std::size_t until_failure_ = 0, failures_ = 0;
    int code_ = 0;
};

[[nodiscard]] Operations &operations();

/// An errno of opening a pin, by its path. Operations::reset() forgets them.
[[nodiscard]] std::map<std::string, int> &open_failures();

/// Whether objects may be opened by id, which needs CAP_SYS_ADMIN. Operations::reset() allows it.
[[nodiscard]] bool &ids_allowed();

} // namespace glb::test
