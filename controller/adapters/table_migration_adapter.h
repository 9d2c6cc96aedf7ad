// TableMigrationAdapter: FlowMigration over a TableMigration.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/adapters/datapath_adapter.h"
#include "controller/datapath/migration/table_migration.h"

namespace glb::adapters {

class TableMigrationAdapter final : public control::FlowMigration {
  public:
    struct Request {
        datapath::PinSet source;
        std::optional<datapath::Pins> into; ///< of an interrupted migration
        datapath::LoadSettings settings;
        glb_metadata metadata{};
    };
    /// `request`: the request, or the error that prepare() returns. `owner` must outlive the migration's use.
    TableMigrationAdapter(DatapathAdapter &owner, Result<Request> request, bool is_upgrade)
        : owner_(owner), request_(std::move(request)), is_upgrade_(is_upgrade) {}

    /// From the maps of another version, or from those of another size that an earlier daemon left. The links of
    /// `owner` keep their program until the migration swaps them.
    [[nodiscard]] static Status begin_upgrade(DatapathAdapter &owner, std::uint32_t capacity,
                                              const std::vector<std::uint8_t> &seed);

    Status prepare() override;
    Status copy(const datapath::TargetTimeouts &timeouts, std::uint32_t now) override {
        return migration_->copy(timeouts, now);
    }
    Status catch_up(const datapath::TargetTimeouts &timeouts, std::uint32_t now) override;
    Status swap(unsigned tunnel) override;
    Status finish(unsigned tunnel) override;
    Status undo() override;
    bool is_swapped() const override { return migration_ && migration_->is_swapped(); }
    std::string source() const override;
    std::string summary() const override;

    [[nodiscard]] const datapath::TableMigration &table_migration() const { return *migration_; }

  private:
    DatapathAdapter &owner_;
    Result<Request> request_;
    bool is_upgrade_;
    std::optional<datapath::TableMigration> migration_;
    datapath::DatapathHandlesPtr final_;
};

} // namespace glb::adapters
