// Loads of BPF programs in memory: the test program defines libbpf's functions that load a skeleton.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/datapath/fake_links.h"
#include "tests/unit/datapath/fake_maps.h"

#include <glb_xdp.skel.h> // after the types of its constants

namespace glb::test {

/// A load of the XDP program that succeeded.
struct FakeLoad {
    glb_xdp::glb_xdp__rodata constants;
    const FakeProgram *program;
};

/// One at a time. Owns the programs and maps of all loads. While it exists, temporary folders count as a BPF file
/// system, and the removal of a pin is an operation ("unlink NAME") that may fail. Its constructor forgets operations
/// and failures of earlier tests.
class FakeKernel {
  public:
    FakeKernel();
    ~FakeKernel();
    FakeKernel(const FakeKernel &) = delete;
    FakeKernel &operator=(const FakeKernel &) = delete;

    [[nodiscard]] static FakeKernel *current();

    FakeMap &create_map(MapShape shape);
    FakeProgram &create_program(std::uint8_t tag, std::vector<std::uint32_t> map_ids);

    std::vector<FakeLoad> loads;
    std::string log; ///< what libbpf prints as a warning during a load
    /// Of the redirect tracepoints: their constants, and the map of drops that they write to.
    std::uint32_t watched_device_map = 0, watched_namespace = 0, watched_drops = 0;
    unsigned open_skeletons = 0; ///< loaded and not destroyed
    unsigned attached_tracepoints = 0;

  private:
    std::vector<std::unique_ptr<FakeObject>> objects_;
};

} // namespace glb::test
