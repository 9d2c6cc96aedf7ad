// What libbpf and the kernel do when the guard's program is loaded. The maps are those of the compiled program, the
// operations those of tests/unit/datapath/fake_objects.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/datapath/fake_maps.h"

struct bpf_map;
struct bpf_object_skeleton;

namespace glb::test {

class FakeTcProgram final : public FakeObject {
  public:
    void read_info(void *info) const override;
};

/// One at a time. Owns the objects of all loads.
class FakeLoader {
  public:
    FakeLoader();
    ~FakeLoader();
    FakeLoader(const FakeLoader &) = delete;
    FakeLoader &operator=(const FakeLoader &) = delete;

    /// An errno, negative. Uses pinned maps, and fails with EINVAL if their layout differs.
    [[nodiscard]] int load(const bpf_object_skeleton &skeleton);
    /// -1 if it is not loaded.
    [[nodiscard]] int fd_of(const void *map_or_program) const;

    /// The map to which this file refers; null if there is none.
    [[nodiscard]] static FakeMap *pinned(const std::string &file);
    [[nodiscard]] FakeMap &create(const MapShape &shape);

  private:
    [[nodiscard]] int load_map(const bpf_map &map);

    std::vector<std::unique_ptr<FakeObject>> objects_;
    std::map<const void *, const FakeObject *> loaded_;
};

} // namespace glb::test
