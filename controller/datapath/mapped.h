// Mapped: the rows of a BPF array map in memory, unmapped with the object.
#pragma once

#include <cerrno>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include <sys/mman.h>

#include "controller/util/result.h"

namespace glb::datapath {

/// `Row` is const for a mapping that is only read. Unmapping gigabytes takes milliseconds: the thread that
/// destroys the object spends them.
template <typename Row>
class Mapped {
  public:
    /// Maps the first `count` rows of `fd`, which may be closed afterwards; `name` is for the error.
    [[nodiscard]] static Result<Mapped> map(int fd, std::size_t count, const char *name) {
        constexpr int protection = std::is_const_v<Row> ? PROT_READ : PROT_READ | PROT_WRITE;
        void *memory = ::mmap(nullptr, count * sizeof(Row), protection, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
            return fail_errno(errno, "cannot map {} rows of {}", count, name);
        Mapped mapped;
        mapped.rows_ = {static_cast<Row *>(memory), count};
        mapped.is_owner_ = true;
        return mapped;
    }
    /// Rows in memory that outlives the object; nothing is unmapped.
    [[nodiscard]] static Mapped view(std::span<Row> rows) {
        Mapped mapped;
        mapped.rows_ = rows;
        return mapped;
    }

    Mapped() = default;
    Mapped(Mapped &&other) noexcept
        : rows_(std::exchange(other.rows_, {})), is_owner_(std::exchange(other.is_owner_, false)) {}
    Mapped &operator=(Mapped &&other) noexcept {
        std::swap(rows_, other.rows_);
        std::swap(is_owner_, other.is_owner_);
        return *this;
    }
    Mapped(const Mapped &) = delete;
    Mapped &operator=(const Mapped &) = delete;
    ~Mapped() {
        if (is_owner_)
            ::munmap(const_cast<std::remove_const_t<Row> *>(rows_.data()), rows_.size_bytes());
    }

    [[nodiscard]] Row &operator[](std::size_t index) const { return rows_[index]; }
    [[nodiscard]] Row *data() const { return rows_.data(); }
    [[nodiscard]] std::size_t size() const { return rows_.size(); }
    [[nodiscard]] std::span<Row> rows() const { return rows_; }

  private:
    std::span<Row> rows_;
    bool is_owner_ = false;
};

} // namespace glb::datapath
