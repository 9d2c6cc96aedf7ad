// XDP programs and links in memory, on interfaces that exist only here (fake_objects.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "tests/unit/datapath/fake_objects.h"

namespace glb::test {

/// Programs of equal `tag` have the same instructions.
class FakeProgram final : public FakeObject {
  public:
    explicit FakeProgram(std::uint8_t tag, std::vector<std::uint32_t> map_ids = {})
        : tag_(tag), map_ids_(std::move(map_ids)) {}
    void read_info(void *info) const override;
    [[nodiscard]] bool uses(std::uint32_t map_id) const;

  private:
    std::uint8_t tag_;
    std::vector<std::uint32_t> map_ids_;
};

class FakeLink final : public FakeObject {
  public:
    FakeLink(unsigned interface, std::uint32_t program) : ifindex(interface), program_id(program) {}
    void read_info(void *info) const override;

    unsigned ifindex; ///< 0: dead
    std::uint32_t program_id;
};

struct FakeInterface {
    bool has_native_mode = true;
    bool is_generic = false;           ///< the mode of its link
    std::uint32_t foreign_program = 0; ///< 0: none
    FakeLink *link = nullptr;          ///< null: none
};

/// One at a time. Its constructor forgets operations and failures of earlier tests.
class FakeInterfaces {
  public:
    FakeInterfaces();
    ~FakeInterfaces();
    FakeInterfaces(const FakeInterfaces &) = delete;
    FakeInterfaces &operator=(const FakeInterfaces &) = delete;

    /// The interface, which is created if it does not exist.
    FakeInterface &operator[](unsigned ifindex) { return interfaces_[ifindex]; }
    [[nodiscard]] FakeInterface *find(unsigned ifindex);
    /// Its link dies.
    void remove(unsigned ifindex);
    /// Id of the program on the interface; 0 if there is none.
    [[nodiscard]] std::uint32_t program(unsigned ifindex) const;
    FakeLink &create_link(unsigned ifindex, std::uint32_t program);

  private:
    std::map<unsigned, FakeInterface> interfaces_;
    std::vector<std::unique_ptr<FakeLink>> links_;
};

} // namespace glb::test
