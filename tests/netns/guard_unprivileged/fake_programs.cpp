#include "tests/netns/guard_unprivileged/fake_programs.h"

#include <utility>

#include "controller/guard/guard_program.h"

/// Instead of the skeleton that bpftool generates.
struct glb_guard {
    std::uint32_t id;
    glb::test::FakeProgram program;
};

namespace glb::test {

namespace {
FakePrograms *all = nullptr;
}

FakePrograms::FakePrograms() {
    all = this;
}
FakePrograms::~FakePrograms() {
    all = nullptr;
}
FakePrograms &FakePrograms::current() {
    return *all;
}

const FakeProgram *FakePrograms::find(std::uint32_t id) const {
    return id != 0 && id <= programs_.size() ? &programs_[id - 1] : nullptr;
}

std::uint32_t FakePrograms::add(const FakeProgram &program) {
    programs_.push_back(program);
    return static_cast<std::uint32_t>(programs_.size());
}

Status FakePrograms::begin(const std::string &operation) {
    if (before)
        before(operation);
    if (until_failure_ != 0 && operation.rfind(failing_, 0) == 0 && --until_failure_ == 0)
        return fail_errno(EIO, "{}", operation);
    done_.push_back(operation);
    return {};
}

void FakePrograms::fail(std::size_t nth, const std::string &name) {
    until_failure_ = nth;
    failing_ = name;
}

std::vector<std::string> FakePrograms::take() {
    return std::exchange(done_, {});
}

} // namespace glb::test

namespace glb::guard {

using test::FakePrograms;

GuardProgram::GuardProgram(glb_guard *skeleton) : skeleton_(skeleton), id_(skeleton->id) {}
GuardProgram::GuardProgram(GuardProgram &&) noexcept = default;
GuardProgram &GuardProgram::operator=(GuardProgram &&) noexcept = default;
GuardProgram::~GuardProgram() = default;
void GuardProgram::Destroy::operator()(glb_guard *skeleton) const {
    delete skeleton;
}

int GuardProgram::fd() const {
    return static_cast<int>(id_);
}
std::uint32_t GuardProgram::mark_mask() const {
    return skeleton_->program.mark_mask;
}

Result<GuardProgram> GuardProgram::load(const std::filesystem::path &folder, std::uint32_t mark_mask,
                                        bool fresh) {
    auto &fakes = FakePrograms::current();
    if (fresh)
        fakes.pinned.erase(folder);
    GLB_TRY(fakes.begin(fmt::format("load {:#x}{}", mark_mask, fresh ? " fresh" : "")));
    auto &maps = fakes.pinned[folder];
    if (!maps)
        maps = std::make_shared<test::ProgramMaps>();
    const test::FakeProgram program{mark_mask, maps};
    return GuardProgram(new glb_guard{fakes.add(program), program});
}

Status GuardProgram::write_endpoints(const std::map<std::uint16_t, PuntDevice> &devices) {
    skeleton_->program.maps->punt_devices = devices;
    return {};
}

Status GuardProgram::write_ports(const plan::GuardPlan &plan) {
    std::vector<std::string> ports;
    for (const auto &port : plan.ports)
        if (port.is_guarded() && port.ifindex)
            ports.push_back(port.interface);
    GLB_TRY(FakePrograms::current().begin(fmt::format("write {}", ports.size())));
    skeleton_->program.maps->ports = ports;
    return {};
}

Status GuardProgram::set_magic(std::uint32_t magic) {
    GLB_TRY(FakePrograms::current().begin("set_magic"));
    skeleton_->program.maps->magic = magic;
    return {};
}

Status GuardProgram::unpin(const std::filesystem::path &folder) {
    GLB_TRY(FakePrograms::current().begin("unpin"));
    FakePrograms::current().pinned.erase(folder);
    return {};
}

} // namespace glb::guard
