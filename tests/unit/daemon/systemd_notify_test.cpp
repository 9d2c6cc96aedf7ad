#include <catch2/catch.hpp>

#include "controller/systemd_notify.h"

TEST_CASE("systemd: READY once, and a STATUS for each change of readiness afterwards") {
    glb::ReadinessMessages messages;
    CHECK(messages.next("waits for a manifest") == "STATUS=not ready: waits for a manifest");
    CHECK_FALSE(messages.next("waits for a manifest"));
    CHECK_FALSE(messages.was_ready());
    CHECK(messages.next("not attached to srv0") == "STATUS=not ready: not attached to srv0");
    CHECK(messages.next("") == "READY=1\nSTATUS=ready");
    CHECK_FALSE(messages.next(""));
    CHECK(messages.was_ready());
    CHECK(messages.next("not attached to srv0") == "STATUS=not ready: not attached to srv0");
    CHECK(messages.was_ready());
    CHECK(messages.next("") == "STATUS=ready");
}
