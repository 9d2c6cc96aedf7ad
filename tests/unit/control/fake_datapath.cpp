#include "tests/unit/control/fake_ports.h"

namespace glb::test {

namespace {

class FakeTargetStates final : public health::TargetStatePort {
  public:
    explicit FakeTargetStates(FakeWorld &world) : world_(world) {}

    Status set_target_state(std::uint16_t target, std::uint64_t state) override {
        GLB_TRY(world_.operation("health.set_target_state"));
        world_.maps->target_states[target] = state;
        return {};
    }
    Status set_group_action(std::uint16_t, glb_no_target_action) override { return {}; }
    Status set_fallback(std::uint16_t, std::span<const std::uint16_t>) override { return {}; }
    std::optional<glb_target_count> target_count(std::uint16_t) override { return std::nullopt; }
    int event_fd() const override { return -1; }
    Status poll_events(const std::function<void(const glb_event &)> &) override { return {}; }

  private:
    FakeWorld &world_;
};

} // namespace

/// An upgrade moves `older_maps` to `maps`; a resize changes the capacity alone.
class FakeMigration final : public control::FlowMigration {
  public:
    FakeMigration(FakeDatapath &owner, std::uint32_t capacity, bool is_upgrade)
        : owner_(owner), capacity_(capacity), is_upgrade_(is_upgrade) {}

    Status prepare() override { return owner_.world_.operation("migration.prepare"); }
    Status copy(const datapath::TargetTimeouts &, std::uint32_t) override {
        return owner_.world_.operation("migration.copy");
    }
    Status catch_up(const datapath::TargetTimeouts &, std::uint32_t) override {
        return owner_.world_.operation("migration.catch_up");
    }
    Status swap(unsigned) override {
        GLB_TRY(owner_.world_.operation("migration.swap"));
        swapped_ = true;
        if (is_upgrade_)
            owner_.world_.older_maps.reset();
        return {};
    }
    Status finish(unsigned) override {
        GLB_TRY(owner_.world_.operation("migration.finish"));
        owner_.world_.maps->capacity = capacity_;
        owner_.upgrade_.reset();
        return {};
    }
    Status undo() override {
        GLB_TRY(owner_.world_.operation("migration.undo"));
        if (is_upgrade_) {
            owner_.world_.maps.reset();
            owner_.loaded_ = false;
            owner_.upgrade_.reset();
        }
        return {};
    }
    bool is_swapped() const override { return swapped_; }
    std::string source() const override { return "v1"; }
    std::string summary() const override { return "migrated"; }

  private:
    FakeDatapath &owner_;
    std::uint32_t capacity_;
    bool is_upgrade_;
    bool swapped_ = false;
};

Result<std::optional<control::FoundDatapath>> FakeDatapath::inspect(std::uint32_t) {
    GLB_TRY(world_.operation("datapath.inspect"));
    const auto &maps = world_.older_maps ? world_.older_maps : world_.maps;
    if (!maps)
        return std::nullopt;
    control::FoundDatapath found;
    found.seed = maps->seed;
    found.config.epoch = maps->epoch;
    found.config.names = maps->names;
    if (!maps->bank) // of a start that was interrupted
        return found;
    for (std::size_t i = 0; i < maps->bank->groups.size(); ++i)
        if (const auto &row = maps->bank->groups[i]; row.tcp_ticks) {
            const auto table = maps->maglev.find(row.table);
            found.config.groups[static_cast<std::uint16_t>(i)] = {
                row, table == maps->maglev.end() ? 0 : plan::maglev_fingerprint(table->second)};
        }
    for (std::size_t i = 0; i < maps->bank->targets.size(); ++i)
        if (const auto &row = maps->bank->targets[i]; row.destination) {
            const auto index = static_cast<std::uint16_t>(i);
            found.config.targets[index] = row;
            const auto state = maps->target_states.find(index);
            found.config.target_states[index] = state == maps->target_states.end() ? 0 : state->second;
        }
    return found;
}

Status FakeDatapath::load(std::uint32_t capacity, const std::vector<std::uint8_t> &seed) {
    GLB_TRY(world_.operation("datapath.load"));
    if (world_.older_maps) {
        world_.maps = world_.older_maps;
        upgrade_ = std::make_shared<FakeMigration>(*this, capacity, true);
    } else if (!world_.maps) {
        world_.attached.clear();
        world_.maps.emplace();
        world_.maps->seed = seed;
        world_.maps->capacity = capacity;
    }
    loaded_ = true;
    return {};
}

std::shared_ptr<control::FlowMigration> FakeDatapath::migration() const {
    return upgrade_;
}

std::shared_ptr<control::FlowMigration> FakeDatapath::resize(std::uint32_t capacity,
                                                             const std::vector<std::uint8_t> &) {
    return std::make_shared<FakeMigration>(*this, capacity, false);
}

Status FakeDatapath::remove() {
    const auto detached = world_.operation("datapath.detach_all");
    if (detached)
        world_.attached.clear();
    loaded_ = false;
    upgrade_.reset();
    const auto removed = world_.operation("datapath.remove_pins");
    if (removed) { // without its pin, a link ends with the daemon's last descriptor
        world_.attached.clear();
        world_.maps.reset();
        world_.older_maps.reset();
    }
    return detached ? removed : detached;
}

Result<std::vector<std::string>> FakeDatapath::restore_pins() {
    GLB_TRY(world_.operation("datapath.restore_pins"));
    return std::exchange(world_.removed_pins, {});
}

Result<std::vector<datapath::StalePin>> FakeDatapath::stale_pins() {
    GLB_TRY(world_.operation("datapath.stale_pins"));
    std::vector<datapath::StalePin> stale;
    for (const auto &pin : world_.stale_pins)
        stale.push_back({"maps", pin, [this, pin]() -> Status {
                             GLB_TRY(world_.operation("stale_pin.remove " + pin));
                             world_.stale_pins.erase(pin);
                             return {};
                         }});
    return stale;
}

std::shared_ptr<health::TargetStatePort> FakeDatapath::target_states() const {
    return std::make_shared<FakeTargetStates>(world_);
}

std::map<unsigned, datapath::AttachMode> FakeDatapath::attached() {
    return loaded_ ? world_.attached : std::map<unsigned, datapath::AttachMode>{};
}

Status FakeDatapath::attach(unsigned ifindex, const std::string &, datapath::AttachMode mode) {
    GLB_TRY(world_.operation("datapath.attach"));
    world_.attached[ifindex] = mode;
    return {};
}

Status FakeDatapath::detach(unsigned ifindex) {
    GLB_TRY(world_.operation("datapath.detach"));
    world_.attached.erase(ifindex);
    return {};
}

Status FakeDatapath::set_index_name(std::uint32_t row, const std::string &name) {
    GLB_TRY(world_.operation("datapath.set_index_name"));
    world_.maps->names[row] = name;
    return {};
}

Status FakeDatapath::put_maglev(std::uint32_t place, const plan::MaglevTable &slots) {
    GLB_TRY(world_.operation("datapath.put_maglev"));
    world_.maps->maglev[place] = slots;
    return {};
}

Status FakeDatapath::remove_maglev(std::uint32_t place) {
    if (!world_.maps->maglev.contains(place))
        return {};
    GLB_TRY(world_.operation("datapath.remove_maglev"));
    world_.maps->maglev.erase(place);
    return {};
}

Status FakeDatapath::set_endpoint_override(std::uint16_t endpoint, std::uint64_t flags) {
    GLB_TRY(world_.operation("datapath.set_endpoint_override"));
    world_.maps->overrides[endpoint] = flags;
    return {};
}

Status FakeDatapath::activate(const plan::BankImage &image, bool new_epoch) {
    GLB_TRY(world_.operation("datapath.write_idle_bank"));
    GLB_TRY(world_.operation("datapath.flip"));
    world_.maps->bank = image;
    world_.maps->epoch += new_epoch;
    return {};
}

Status FakeDatapath::raise_route_generation() {
    GLB_TRY(world_.operation("datapath.raise_route_generation"));
    ++world_.maps->route_generation;
    return {};
}

Status FakeDatapath::set_seed(const std::vector<std::uint8_t> &seed) {
    GLB_TRY(world_.operation("datapath.set_seed"));
    world_.maps->seed = seed;
    return {};
}

Status FakeDatapath::sync_egress(const datapath::EgressWriter::EgressRows &rows) {
    GLB_TRY(world_.operation("datapath.sync_egress"));
    world_.maps->egress = rows;
    return {};
}

Status FakeDatapath::sync_next_hops(const std::map<datapath::NextHopKey, glb_next_hop> &rows) {
    GLB_TRY(world_.operation("datapath.sync_next_hops"));
    world_.maps->next_hops = rows;
    return {};
}

std::map<datapath::NextHopKey, std::uint32_t> FakeDatapath::next_hops() const {
    std::map<datapath::NextHopKey, std::uint32_t> indexes;
    for (const auto &[key, row] : world_.maps->next_hops)
        indexes.emplace(key, static_cast<std::uint32_t>(indexes.size()) + 1);
    return indexes;
}

} // namespace glb::test
