// The environment of the natively built data path: a frame as a driver provides it, and the maps. A
// singleton, not thread-safe. Sources: net/core/filter.c (bpf_xdp_adjust_*), linux/bpf.h.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tests/harness/bytes.h"
#include "tests/native/data_path.h"

struct bpf_fib_lookup;

namespace glb::test {

/// Properties in which drivers differ.
struct Driver {
    std::size_t headroom = 192;    ///< bytes in front of the frame
    std::size_t linear = SIZE_MAX; ///< bytes of the frame that a program can read; the rest is in fragments
    bool has_metadata = true;
    std::uint32_t ingress_ifindex = 1;
};

/// One received frame. Its linear part is an allocation of exactly its size, reallocated by every helper that
/// moves an end, so that a sanitizer detects accesses beyond either end and through stale pointers.
class NativeFrame : public native_frame {
  public:
    NativeFrame(const Bytes &bytes, const Driver &driver, const Bytes &metadata = {});
    NativeFrame(const NativeFrame &) = delete;
    NativeFrame &operator=(const NativeFrame &) = delete;

    [[nodiscard]] Bytes bytes() const; ///< fragments included
    [[nodiscard]] Bytes metadata() const;
    [[nodiscard]] std::size_t size() const { return linear_size() + fragments_.size(); }

    /// The helpers: 0, or a negative errno.
    long adjust_head(int delta);
    long adjust_tail(int delta);
    long adjust_meta(int delta);

  private:
    [[nodiscard]] std::size_t linear_size() const { return data_end - data; }
    void store(const Bytes &metadata, const Bytes &linear);

    std::unique_ptr<std::uint8_t[]> block_; // metadata, then the linear part
    Bytes fragments_;
    std::size_t headroom_;
    bool has_metadata_;
};

class Kernel {
  public:
    static Kernel &get();

    /// All rows of an array. T is the value's type; a wrong size aborts.
    template <typename T>
    std::span<T> rows(std::string_view name) {
        const auto bytes = array(name, sizeof(T));
        return {reinterpret_cast<T *>(bytes.data()), bytes.size() / sizeof(T)};
    }
    /// Puts an entry into a keyed map (hash, trie, devmap).
    template <typename K, typename V>
    void put(std::string_view name, const K &key, const V &value) {
        put_bytes(name, {reinterpret_cast<const char *>(&key), sizeof key},
                  {reinterpret_cast<const char *>(&value), sizeof value});
    }
    /// An inner table of glb_maglev.
    void put_maglev(std::uint32_t table, const std::vector<std::uint16_t> &slots);

    /// Empties all maps and resets all helpers.
    void clear();

    /// Saves the arrays. restore() undoes what the data path has written since.
    void remember();
    void restore();
    /// Whether a row that was looked up since differs from what remember() saved.
    [[nodiscard]] bool changed(std::string_view name) const;

    /// Results of helpers. Without `fib` the FIB look-up returns "not forwarded".
    std::function<long(bpf_fib_lookup &)> fib;
    /// Called with the map's name before each look-up in a declared map: what another CPU does at that moment. It
    /// must not process a frame.
    std::function<void(std::string_view map)> on_look_up;
    std::uint64_t now_ns = 3600ull * 1000000000;
    std::uint32_t random = 0xa5;

    /// Used by the helpers of shim/bpf/bpf_helpers.h.
    void *look_up(const void *map, const void *key);
    [[nodiscard]] bool in_devmap(const void *map, std::uint32_t ifindex);
    std::optional<std::uint32_t> redirected; ///< interface of the last redirect
    std::vector<glb_event> events;

  private:
    struct Map;
    Kernel();
    Map &named(std::string_view name);
    std::span<std::uint8_t> array(std::string_view name, std::size_t value_size);
    void put_bytes(std::string_view name, std::string key, std::string value);

    std::vector<std::unique_ptr<Map>> maps_;
    std::unordered_map<const void *, Map *> by_address_;
    struct Touched {
        Map *map;
        std::uint32_t row;
    };
    std::vector<Touched> touched_;
};

} // namespace glb::test
