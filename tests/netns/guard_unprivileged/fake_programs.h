// The guard's BPF programs in memory. The test program defines GuardProgram and the functions of filter.h; the linker
// does not take them from the library then.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/guard/punt_devices.h"
#include "controller/util/result.h"

namespace glb::test {

/// What the guard writes to a program's maps.
struct ProgramMaps {
    std::vector<std::string> ports; ///< guarded interfaces that exist
    std::uint32_t magic = 0;
    std::map<std::uint16_t, guard::PuntDevice> punt_devices;
};

/// A loaded program. Its id is also its descriptor.
struct FakeProgram {
    std::uint32_t mark_mask = 0;
    std::shared_ptr<ProgramMaps> maps;
};

/// One at a time.
class FakePrograms {
  public:
    FakePrograms();
    ~FakePrograms();
    FakePrograms(const FakePrograms &) = delete;
    FakePrograms &operator=(const FakePrograms &) = delete;
    [[nodiscard]] static FakePrograms &current();

    /// Null if there is none with this id.
    [[nodiscard]] const FakeProgram *find(std::uint32_t id) const;
    [[nodiscard]] std::uint32_t add(const FakeProgram &program);

    /// By the folder of the pins.
    std::map<std::filesystem::path, std::shared_ptr<ProgramMaps>> pinned;

    /// Records an operation: "load 0xff0000 fresh", "write eth0", "put 3". Fails if it is to fail; then it is not
    /// recorded.
    [[nodiscard]] Status begin(const std::string &operation);
    /// The `nth` operation from now fails, 1 being the next, of those that begin with `name`.
    void fail(std::size_t nth, const std::string &name = "");
    /// Whether a failure from fail() is still to come.
    [[nodiscard]] bool fails_later() const { return until_failure_ != 0; }
    /// The recorded operations, which are forgotten.
    [[nodiscard]] std::vector<std::string> take();
    /// Called before each operation.
    std::function<void(const std::string &)> before;

  private:
    std::deque<FakeProgram> programs_;
    std::vector<std::string> done_;
    std::size_t until_failure_ = 0;
    std::string failing_;
};

} // namespace glb::test
