// Attachments: links, their pins, and which program each link has after a failure.
#include <catch2/catch.hpp>

#include <linux/if_link.h>

#include "controller/datapath/attachments.h"
#include "tests/unit/datapath/fake_links.h"
#include "tests/unit/datapath/fake_pins.h"

using namespace glb;
using namespace glb::test;
using datapath::Attachments;
using datapath::AttachMode;

namespace {

using Names = std::vector<std::string>;

// No interfaces of the machine have such indexes.
constexpr unsigned lan = 3'000'001, wan = 3'000'002, tunnel = 3'000'003;

struct AttachFixture {
    FakeInterfaces interfaces;
    FakePins folder;
    FakeProgram program{1}, same{1}, other{2};
    Attachments attachments = Attachments::open(folder.pins()).value();

    AttachFixture() { interfaces[lan], interfaces[wan], interfaces[tunnel]; }

    Status attach(unsigned ifindex, AttachMode mode = AttachMode::native) {
        return attachments.attach(ifindex, "eth9", mode, program.fd());
    }
    void attach_all() {
        for (const auto ifindex : {lan, wan, tunnel})
            REQUIRE(attach(ifindex));
        operations().reset();
    }
    bool has_pin(unsigned ifindex) const { return std::filesystem::exists(folder.pins().link(ifindex)); }
    std::set<std::uint32_t> pinned_programs() const {
        std::set<std::uint32_t> ids;
        const auto programs = folder.pins().programs().value();
        for (const auto &[id, fd] : programs)
            ids.insert(id);
        return ids;
    }
    void check_programs(const FakeProgram &expected) const {
        for (const auto ifindex : {lan, wan, tunnel})
            CHECK(interfaces.program(ifindex) == expected.id());
        CHECK(pinned_programs() == std::set{expected.id()});
    }
};

} // namespace

TEST_CASE("attachments: the program is pinned before it is attached, and its link after", "[attach]") {
    AttachFixture it;
    REQUIRE(it.attach(lan));
    CHECK(operations().take() == Names{fmt::format("pin {}", it.program.id()), fmt::format("attach {}", lan),
                                       fmt::format("pin xdp-{}", lan)});
    CHECK(it.interfaces.program(lan) == it.program.id());
    CHECK(it.attachments.is_attached(lan));
    CHECK(it.attachments.interfaces() == std::vector{lan});
    REQUIRE(it.attach(lan)); // has its link
    CHECK(operations().take().empty());
}

TEST_CASE("attachments: another mode is attached anew", "[attach]") {
    AttachFixture it;
    REQUIRE(it.attach(lan));
    REQUIRE(it.attach(lan, AttachMode::generic));
    CHECK(it.interfaces[lan].is_generic);
    CHECK(it.attachments.mode(lan) == AttachMode::generic);
    CHECK(it.has_pin(lan));
}

TEST_CASE("attachments: an interface with a foreign program is refused and keeps it", "[attach]") {
    AttachFixture it;
    it.interfaces[lan].foreign_program = 4'000'000'000;
    const auto failed = it.attach(lan);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == EBUSY);
    CHECK(failed.error().message.starts_with("interface eth9 has another XDP program (id 4000000000): "));
    CHECK(it.interfaces.program(lan) == 4'000'000'000);
    CHECK(operations().take().empty());
}

TEST_CASE("attachments: a driver without native XDP is an error that names the setting", "[attach]") {
    AttachFixture it;
    it.interfaces[lan].has_native_mode = false;
    const auto failed = it.attach(lan);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == EOPNOTSUPP);
    CHECK(failed.error().pointer == "/node/xdpMode");
    CHECK(failed.error().message.find("\"generic\"") != std::string::npos);
    CHECK_FALSE(it.attachments.is_attached(lan));
    CHECK(it.attach(lan, AttachMode::generic));
}

TEST_CASE("attachments: detach() removes pin and program, and does nothing without a link", "[attach]") {
    AttachFixture it;
    REQUIRE(it.attach(lan));
    REQUIRE(it.attachments.detach(lan));
    CHECK(it.interfaces.program(lan) == 0);
    CHECK_FALSE(it.has_pin(lan));
    CHECK_FALSE(it.attachments.is_attached(lan));
    REQUIRE(it.attachments.detach(lan));
}

TEST_CASE("attachments: a program that cannot be detached is an error, and the next call repeats it",
          "[attach]") {
    AttachFixture it;
    REQUIRE(it.attach(lan));
    operations().fail(1, ENOMEM);
    const auto failed = it.attachments.detach(lan);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == ENOMEM);
    CHECK(failed.error().message.starts_with("cannot detach the program from "));
    CHECK(it.interfaces.program(lan) == it.program.id());
    REQUIRE(it.attachments.detach(lan));
    CHECK(it.interfaces.program(lan) == 0);
}

TEST_CASE("attachments: a later daemon continues with pinned links and removes dead ones", "[attach]") {
    AttachFixture it;
    REQUIRE(it.attach(lan));
    REQUIRE(it.attach(wan, AttachMode::generic));
    REQUIRE(it.attach(tunnel));
    it.interfaces.remove(tunnel);
    auto later = Attachments::open(it.folder.pins());
    REQUIRE(later);
    CHECK(later->interfaces() == std::vector{lan, wan});
    CHECK(later->mode(lan) == AttachMode::native);
    CHECK(later->mode(wan) == AttachMode::generic);
    CHECK_FALSE(it.has_pin(tunnel));
    CHECK(it.has_pin(lan));
}

TEST_CASE("attachments: a pinned link that cannot be opened is an error and stays pinned", "[attach]") {
    AttachFixture it;
    REQUIRE(it.attach(lan));
    const auto pin = it.folder.pins().link(lan).string();
    open_failures()[pin] = EMFILE;
    const auto failed = Attachments::open(it.folder.pins());
    open_failures().clear();
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == EMFILE);
    CHECK(failed.error().message.starts_with("cannot open the pin " + pin));
    CHECK(it.has_pin(lan));
    CHECK(Attachments::open(it.folder.pins())->interfaces() == std::vector{lan});
}

TEST_CASE("attachments: a link whose interface disappeared is removed and can be attached again",
          "[attach]") {
    AttachFixture it;
    REQUIRE(it.attach(lan));
    it.interfaces.remove(lan);
    CHECK_FALSE(it.attachments.is_attached(lan));
    CHECK_FALSE(it.has_pin(lan));
    it.interfaces[lan];
    REQUIRE(it.attach(lan));
    CHECK(it.interfaces.program(lan) == it.program.id());
}

TEST_CASE("attachments: replacing updates every link, the named one first, and unpins the old program",
          "[attach]") {
    AttachFixture it;
    it.attach_all();
    REQUIRE(it.attachments.replace_program(it.other.fd(), it.folder.pins().programs().value(), tunnel));
    CHECK(operations().take() == Names{fmt::format("pin {}", it.other.id()), fmt::format("update {}", tunnel),
                                       fmt::format("update {}", lan), fmt::format("update {}", wan)});
    it.check_programs(it.other);
}

TEST_CASE("attachments: a program of the same instructions replaces only if it must", "[attach]") {
    AttachFixture it;
    it.attach_all();
    REQUIRE(it.attachments.replace_program(it.same.fd(), it.folder.pins().programs().value()));
    CHECK(operations().take().empty());
    it.check_programs(it.program);
    REQUIRE(it.attachments.replace_program(it.same.fd(), it.folder.pins().programs().value(), 0, true));
    it.check_programs(it.same);
}

TEST_CASE("attachments: a program that a killed daemon left pinned is unpinned even if no link changes",
          "[attach]") {
    AttachFixture it;
    it.attach_all();
    REQUIRE(it.folder.pins().pin_program(it.other.fd()));
    REQUIRE(it.attachments.replace_program(it.same.fd(), it.folder.pins().programs().value()));
    it.check_programs(it.program);
}

TEST_CASE("attachments: if a link cannot be updated, all keep their program and the new one is unpinned",
          "[attach]") {
    for (std::size_t nth = 1; nth <= 4; ++nth) { // the pin, and three links
        CAPTURE(nth);
        AttachFixture it;
        it.attach_all();
        operations().fail(nth, ENOMEM);
        const auto failed =
            it.attachments.replace_program(it.other.fd(), it.folder.pins().programs().value());
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == ENOMEM);
        it.check_programs(it.program);
        REQUIRE(it.attachments.replace_program(it.other.fd(), it.folder.pins().programs().value()));
        it.check_programs(it.other);
    }
}

TEST_CASE("attachments: a failed update whose previous program is unknown is reported", "[attach]") {
    AttachFixture it;
    it.attach_all();
    operations().fail(3);
    const auto failed = it.attachments.replace_program(it.other.fd(), {});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message.find("; and the previous program of ") != std::string::npos);
    CHECK(it.interfaces.program(lan) == it.other.id());
    CHECK(it.interfaces.program(wan) == it.program.id());
    CHECK(it.pinned_programs() == std::set{it.program.id(), it.other.id()}); // both are in use
}

TEST_CASE("attachments: replacing skips interfaces that disappeared", "[attach]") {
    AttachFixture it;
    it.attach_all();
    it.interfaces.remove(wan);
    REQUIRE(it.attachments.replace_program(it.other.fd(), it.folder.pins().programs().value()));
    CHECK(it.interfaces.program(lan) == it.other.id());
    CHECK(it.interfaces.program(tunnel) == it.other.id());
}
