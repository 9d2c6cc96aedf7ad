// Loads every program and compares the instructions that the verifier processed with the budget.
#include <catch2/catch.hpp>

#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include <bpf/bpf.h>
#include <glb_guard.skel.h>
#include <glb_redirect.skel.h>

#include "controller/datapath/loader.h"

namespace {

std::map<std::string, std::uint32_t> budget() {
    std::map<std::string, std::uint32_t> limits;
    std::ifstream file(GLB_BUDGET);
    for (std::string line; std::getline(file, line);) {
        std::istringstream fields(line);
        std::string name;
        std::uint32_t most = 0;
        if (line.rfind("#", 0) != 0 && std::getline(fields, name, ',') && fields >> most)
            limits[name] = most;
    }
    return limits;
}

std::uint32_t verified(int fd) {
    bpf_prog_info info{};
    std::uint32_t size = sizeof info;
    REQUIRE(bpf_obj_get_info_by_fd(fd, &info, &size) == 0);
    return info.verified_insns;
}

void check(const std::string &name, int fd) {
    const auto limits = budget();
    REQUIRE(limits.count(name) == 1);
    const auto spent = verified(fd);
    INFO(name << ": " << spent << " of " << limits.at(name));
    CHECK(spent <= limits.at(name));
    if (spent * 10 > limits.at(name) * 9)
        WARN(name << " is within a tenth of its budget: " << spent << " of " << limits.at(name));
}

} // namespace

TEST_CASE("verifier: XDP program is within its budget", "[verifier]") {
    glb::datapath::LoadSettings settings;
    settings.capacity = GLB_FLOW_MIN_CAPACITY;
    settings.punt_magic = 1;
    const auto handles = glb::datapath::load(settings);
    INFO((handles ? std::string() : handles.error().message));
    REQUIRE(handles);
    check("glb_xdp", (*handles)->program());
}

TEST_CASE("verifier: tc guard is within its budget", "[verifier]") {
    std::unique_ptr<glb_guard, void (*)(glb_guard *)> guard(glb_guard::open_and_load(), glb_guard::destroy);
    REQUIRE(guard);
    check("glb_guard", bpf_program__fd(guard->progs.glb_guard));
    check("glb_guard_punt", bpf_program__fd(guard->progs.glb_guard_punt));
}

TEST_CASE("verifier: redirect tracepoints are within their budget", "[verifier]") {
    std::unique_ptr<glb_redirect, void (*)(glb_redirect *)> watch(glb_redirect::open_and_load(),
                                                                  glb_redirect::destroy);
    REQUIRE(watch);
    check("glb_redirect_error", bpf_program__fd(watch->progs.glb_redirect_error));
    check("glb_redirect_drops", bpf_program__fd(watch->progs.glb_redirect_drops));
    check("glb_punt_filtered", bpf_program__fd(watch->progs.glb_punt_filtered));
}
