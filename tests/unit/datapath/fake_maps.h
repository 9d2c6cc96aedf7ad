// The maps of the XDP program in memory, with the types and sizes that the compiled program declares.
#pragma once

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <linux/bpf.h>

#include "controller/datapath/handles.h"
#include "controller/datapath/mapped.h"
#include "tests/unit/datapath/fake_objects.h"

namespace glb::test {

/// Possible CPUs: the columns of per-CPU rows, and the sections of glb_target_counts.
inline constexpr unsigned fake_cpus = 3;

struct MapShape {
    std::string name;
    bpf_map_type type = BPF_MAP_TYPE_ARRAY;
    std::uint32_t key_bytes = 4, value_bytes = 8, rows = 1;
};

class FakeMap final : public FakeObject {
  public:
    explicit FakeMap(MapShape shape);

    [[nodiscard]] const MapShape &shape() const { return shape_; }
    [[nodiscard]] bool is_hash() const;
    /// Bytes of a row as system calls transfer it: of every CPU.
    [[nodiscard]] std::size_t row_bytes() const { return row_bytes_; }
    void read_info(void *info) const override;

    /// The row of `key`; null, with errno ENOENT, if there is none.
    [[nodiscard]] std::byte *find_row(const void *key);
    /// An errno, or 0.
    [[nodiscard]] int write_row(const void *key, const void *value);
    [[nodiscard]] int erase_row(const void *key);
    [[nodiscard]] int next_key(const void *key, void *next);
    /// "NAME[KEY]" if the key is a number, else "NAME[]".
    [[nodiscard]] std::string describe(const void *key) const;

    int read_error = 0; ///< errno of look-ups, 0: they succeed
    int keys_error = 0; ///< errno of next_key() after `keys_until_error` keys, 0: it succeeds
    std::size_t keys_until_error = 0;
    using Bytes = std::vector<std::byte>;
    std::vector<Bytes> samples; ///< of a ring buffer (fake_ring.h)

  private:
    MapShape shape_;
    std::size_t row_bytes_;
    datapath::Mapped<std::byte> array_;
    std::map<Bytes, Bytes> hash_;
};

/// One at a time. Its constructor forgets operations and failures of earlier tests.
class FakeMaps {
  public:
    FakeMaps();
    ~FakeMaps();
    FakeMaps(const FakeMaps &) = delete;
    FakeMaps &operator=(const FakeMaps &) = delete;

    /// Descriptors of their own for these maps.
    [[nodiscard]] datapath::DatapathHandlesPtr handles(std::optional<datapath::Pins> pins = {}) const;
    [[nodiscard]] datapath::DatapathHandles::MapFds descriptors() const;

    [[nodiscard]] FakeMap &operator[](datapath::Map map) const {
        return *maps_[static_cast<std::size_t>(map)];
    }
    /// None if a hash map does not contain `key`.
    template <typename Row, typename Key>
    [[nodiscard]] std::optional<Row> find(datapath::Map map, const Key &key) const {
        Row row{};
        const auto *bytes = (*this)[map].find_row(&key);
        if (!bytes)
            return std::nullopt;
        std::memcpy(&row, bytes, sizeof row);
        return row;
    }
    template <typename Row>
    [[nodiscard]] Row row(datapath::Map map, std::uint32_t index) const {
        return find<Row>(map, index).value();
    }
    template <typename Row>
    [[nodiscard]] std::vector<Row> rows(datapath::Map map, std::uint32_t first, std::uint32_t count) const {
        std::vector<Row> all;
        for (std::uint32_t index = first; index < first + count; ++index)
            all.push_back(row<Row>(map, index));
        return all;
    }
    /// As the data path writes it on `cpu`, if the map has rows per CPU.
    template <typename Row>
    void set_row(datapath::Map map, std::uint32_t index, const Row &row, unsigned cpu = 0) const {
        std::memcpy((*this)[map].find_row(&index) + cpu * sizeof(Row), &row, sizeof row);
    }
    template <typename Key>
    [[nodiscard]] std::vector<Key> keys(datapath::Map map) const {
        std::vector<Key> all;
        Key next{};
        while ((*this)[map].next_key(all.empty() ? nullptr : &all.back(), &next) == 0)
            all.push_back(next);
        return all;
    }
    /// The Maglev table at `index`; null if there is none.
    [[nodiscard]] FakeMap *table(std::uint32_t index) const;

  private:
    std::array<std::unique_ptr<FakeMap>, datapath::all_maps.size()> maps_;
};

} // namespace glb::test
