// DatapathAdapter: DatapathPort over pins, loader, attachments and the map writers.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "controller/adapters/loaded_maps.h"
#include "controller/control/ports/datapath_port.h"
#include "controller/datapath/pin_sets.h"

namespace glb::adapters {

class TableMigrationAdapter;

class DatapathAdapter final : public control::DatapathPort {
  public:
    /// `bpffs` is used from lock() on.
    explicit DatapathAdapter(std::filesystem::path bpffs) : bpffs_(std::move(bpffs)) {}

    Status lock() override;
    Result<std::optional<control::FoundDatapath>> inspect(std::uint32_t capacity) override;
    Status load(std::uint32_t capacity, const std::vector<std::uint8_t> &seed) override;
    bool is_loaded() const override { return maps_.handles != nullptr; }
    std::shared_ptr<control::FlowMigration> migration() const override;
    std::shared_ptr<control::FlowMigration> resize(std::uint32_t capacity,
                                                   const std::vector<std::uint8_t> &seed) override;
    Status remove() override;
    void release(bool keep_lock) override;
    Result<std::vector<datapath::StalePin>> stale_pins() override;
    Result<std::vector<std::string>> restore_pins() override;

    std::uint32_t capacity() const override { return maps_.handles ? maps_.handles->capacity() : 0; }
    std::uint64_t epoch() const override;
    std::uint32_t punt_magic() const override {
        return maps_.handles ? maps_.handles->settings().punt_magic : 0;
    }
    datapath::DatapathHandlesPtr handles() const override { return maps_.handles; }
    std::shared_ptr<health::TargetStatePort> target_states() const override;

    std::map<unsigned, datapath::AttachMode> attached() override;
    Status attach(unsigned ifindex, const std::string &name, datapath::AttachMode mode) override;
    Status detach(unsigned ifindex) override { return attachments_->detach(ifindex); }

    Status set_index_name(std::uint32_t row, const std::string &name) override;
    Status put_maglev(std::uint32_t place, const plan::MaglevTable &slots) override {
        return maps_.config->put_maglev(place, slots);
    }
    Status remove_maglev(std::uint32_t place) override;
    Status set_endpoint_override(std::uint16_t endpoint, std::uint64_t flags) override {
        return maps_.config->set_endpoint_override(endpoint, flags);
    }
    Status activate(const plan::BankImage &image, bool new_epoch) override;
    Status raise_route_generation() override { return maps_.config->raise_route_generation(); }
    Status set_seed(const std::vector<std::uint8_t> &seed) override;
    Status sync_egress(const datapath::EgressWriter::EgressRows &rows) override {
        return maps_.egress->sync_egress(rows);
    }
    Status sync_next_hops(const std::map<datapath::NextHopKey, glb_next_hop> &rows) override {
        return maps_.egress->sync_next_hops(rows, *maps_.config);
    }
    std::map<datapath::NextHopKey, std::uint32_t> next_hops() const override;

  private:
    friend class TableMigrationAdapter;

    std::filesystem::path bpffs_;
    Fd lock_; ///< held while the node has, or may have, anything in the bpffs
    std::optional<datapath::Pins> pins_;
    datapath::PinSets discovered_sets_; ///< set by inspect(), cleared by load()
    datapath::TakeoverPlan takeover_;
    std::optional<datapath::Attachments> attachments_;
    LoadedMaps maps_;
    std::shared_ptr<TableMigrationAdapter> upgrade_;
};

} // namespace glb::adapters
