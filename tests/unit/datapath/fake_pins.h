// A set of pins in a temporary folder, with pins as of fake_objects.h.
#pragma once

#include <cstdlib>
#include <filesystem>

#include <bpf/bpf.h>

#include "controller/datapath/pins.h"
#include "tests/unit/datapath/fake_objects.h"

namespace glb::test {

class FakePins {
  public:
    FakePins() {
        char name[] = "/tmp/glb-pins-XXXXXX";
        folder_ = ::mkdtemp(name);
        for (const auto *part : {"maps", "tables", "programs"})
            std::filesystem::create_directories(folder_ / fmt::format("v{}", GLB_SCHEMA) / part);
        std::filesystem::create_directories(folder_ / "links");
    }
    ~FakePins() { std::filesystem::remove_all(folder_); }
    FakePins(const FakePins &) = delete;
    FakePins &operator=(const FakePins &) = delete;

    /// Not by Pins::open(), which requires a BPF file system.
    [[nodiscard]] datapath::Pins pins() const { return datapath::Pins::all(folder_).value().at(0); }
    [[nodiscard]] const std::filesystem::path &folder() const { return folder_; }

  private:
    std::filesystem::path folder_;
};

} // namespace glb::test
