// Sizes and offsets in the BPF object's BTF equal those of the C++ compiler.
#include <catch2/catch.hpp>

#include <cstddef>
#include <memory>
#include <string>

#include <bpf/btf.h>

#include "abi/config.h"
#include "abi/flow.h"

namespace {

using Btf = std::unique_ptr<btf, void (*)(btf *)>;

Btf object() {
    return {btf__parse(GLB_XDP_OBJECT, nullptr), btf__free};
}

const btf_type *find(const btf *types, const char *name) {
    const int id = btf__find_by_name_kind(types, name, BTF_KIND_STRUCT);
    INFO("struct " << name);
    REQUIRE(id > 0);
    return btf__type_by_id(types, static_cast<unsigned>(id));
}

/// Offset in bytes of a member, -1 where there is none.
long offset(const btf *types, const btf_type *type, const std::string &member) {
    for (unsigned i = 0; i < btf_vlen(type); ++i)
        if (btf__name_by_offset(types, btf_members(type)[i].name_off) == member)
            return static_cast<long>(btf_member_bit_offset(type, i) / 8);
    return -1;
}

} // namespace

#define SIZE(name) CHECK(find(types.get(), #name)->size == sizeof(struct name))
#define OFFSET(name, member)                                                                                 \
    CHECK(offset(types.get(), find(types.get(), #name), #member) ==                                          \
          static_cast<long>(offsetof(struct name, member)))

TEST_CASE("rows of the maps have one layout in both languages", "[abi]") {
    const auto types = object();
    REQUIRE(types);
    SIZE(glb_control);
    SIZE(glb_node);
    SIZE(glb_logical_port);
    SIZE(glb_endpoint);
    SIZE(glb_endpoint_id);
    SIZE(glb_group);
    SIZE(glb_target);
    SIZE(glb_sender);
    SIZE(glb_egress);
    SIZE(glb_next_hop);
    SIZE(glb_flow_hot);
    SIZE(glb_flow_cold);
    SIZE(glb_settings);
    OFFSET(glb_flow_hot, meta);
    OFFSET(glb_flow_hot, count);
    OFFSET(glb_flow_hot, egress);
    OFFSET(glb_flow_cold, low_port);
    OFFSET(glb_flow_cold, endpoint);
    OFFSET(glb_flow_cold, carry);
    OFFSET(glb_logical_port, mac);
    OFFSET(glb_logical_port, local6);
    OFFSET(glb_target, ip_sum);
    OFFSET(glb_target, address_id);
    OFFSET(glb_node, steer_key);
    OFFSET(glb_settings, bucket_mask);
}
