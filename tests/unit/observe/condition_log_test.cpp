#include <catch2/catch.hpp>

#include "controller/observe/condition_log.h"

using glb::GroupAction;
using Lines = std::vector<std::string>;

namespace {

glb::Manifest used_by(const std::vector<std::string> &endpoints) {
    glb::Manifest manifest;
    for (const auto &name : endpoints) {
        glb::Endpoint endpoint;
        endpoint.name = name;
        endpoint.target_group = "firewalls";
        manifest.endpoints.push_back(std::move(endpoint));
    }
    return manifest;
}

} // namespace

TEST_CASE("edges: a bypass by policy is told when it takes hold and when it ends, once each") {
    glb::GroupConditionLog edges;
    edges.set_manifest(used_by({"branch"}));
    CHECK(edges.note("firewalls", GroupAction::no_target_yet, false).empty());
    CHECK(edges.note("firewalls", GroupAction::steer, false).empty());
    CHECK(edges.note("firewalls", GroupAction::bypass, true) ==
          Lines{"group firewalls: no target is healthy: endpoint branch BYPASSED, forwarded uninspected, by "
                "onAllUnhealthy"});
    CHECK(edges.note("firewalls", GroupAction::bypass, true).empty());
    edges.set_manifest(used_by({"branch"})); // every reconciling does
    CHECK(edges.note("firewalls", GroupAction::bypass, true).empty());
    CHECK(
        edges.note("firewalls", GroupAction::steer, true) ==
        Lines{"group firewalls: a target is healthy: endpoint branch no longer bypassed by onAllUnhealthy"});
    CHECK(edges.note("firewalls", GroupAction::steer, false).empty());
}

TEST_CASE("edges: spread is told of targets that failed, not of those that nobody has judged yet") {
    glb::GroupConditionLog edges;
    edges.set_manifest(used_by({"a", "b"}));
    CHECK(edges.note("firewalls", GroupAction::spread, false).empty());
    CHECK(edges.note("firewalls", GroupAction::spread, true) ==
          Lines{"group firewalls: no target is healthy: new flows of endpoints a, b are spread over all of "
                "them, by "
                "onAllUnhealthy"});
    CHECK(edges.note("firewalls", GroupAction::drop, true) == // another policy was applied
          Lines{"group firewalls: endpoints a, b no longer spread over unhealthy targets",
                "group firewalls: no target is healthy: new flows of endpoints a, b are dropped, by "
                "onAllUnhealthy"});
    CHECK(edges.note("others", GroupAction::drop, true).empty()); // no endpoint uses it
}

TEST_CASE("edges: an interface that is lost, that is back, and that was replaced between two looks") {
    glb::InterfaceConditionLog edges;
    CHECK(edges.note("cli0", 7).empty());
    CHECK(edges.note("cli0", 7).empty());
    const Lines lost{"interface cli0 is lost: nothing is taken in or sent by it until it is back"};
    CHECK(edges.note("cli0", 0) == lost);
    CHECK(edges.note("cli0", 0).empty());
    CHECK(edges.note("cli0", 9) == Lines{"interface cli0 is back"});
    CHECK(edges.note("cli0", 11) == Lines{lost[0], "interface cli0 is back"});
    CHECK(edges.note("srv0", 0) == Lines{"interface srv0 is not there: it is waited for"});
    edges.retain_only({"srv0"});
    CHECK(edges.note("cli0", 12).empty());
}
