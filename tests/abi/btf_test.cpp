// Every struct of bpf/abi has one layout in C++ and in BPF. The list of structs and members is generated
// (layout.py).
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "abi/config.h"
#include "abi/flow.h"

namespace {

/// The layout of a struct by the C++ compiler.
struct Layout {
    struct Member {
        std::string name;
        std::size_t offset, size;
    };
    std::string name;
    std::size_t size;
    std::vector<Member> members;
};

const std::vector<Layout> &layouts() {
    static const std::vector<Layout> all{
#include "layout.inc"
    };
    return all;
}

bool has_layout(const std::string &name) {
    return std::ranges::any_of(layouts(), [&](const Layout &layout) { return layout.name == name; });
}

/// The layout of a struct by the BPF compiler. The BTF must contain it.
void check_layout(const btf *types, const btf_type *type, const Layout &layout) {
    INFO("struct " << layout.name);
    CHECK(type->size == layout.size);
    REQUIRE(btf_vlen(type) == layout.members.size());
    for (std::uint32_t i = 0; i < btf_vlen(type); ++i) {
        const auto &member = layout.members[i];
        INFO("member " << member.name);
        CHECK(btf__name_by_offset(types, btf_members(type)[i].name_off) == member.name);
        CHECK(btf_member_bit_offset(type, i) == member.offset * 8);
        CHECK(btf_member_bitfield_size(type, i) == 0);
        CHECK(static_cast<std::size_t>(btf__resolve_size(types, btf_members(type)[i].type)) == member.size);
    }
}

struct CloseObject {
    void operator()(bpf_object *object) const { bpf_object__close(object); }
};

/// Names of the structs that a map's key or value consists of.
void collect_structs(const btf *types, std::uint32_t id, std::set<std::string> &names) {
    const auto *type = btf__type_by_id(types, id);
    while (btf_is_mod(type) || btf_is_typedef(type) || btf_is_array(type))
        type = btf__type_by_id(types, btf_is_array(type) ? btf_array(type)->type : type->type);
    if (!btf_is_composite(type) || !names.insert(btf__name_by_offset(types, type->name_off)).second)
        return;
    for (std::uint32_t i = 0; i < btf_vlen(type); ++i)
        collect_structs(types, btf_members(type)[i].type, names);
}

} // namespace

TEST_CASE("abi: every struct of bpf/abi has the same layout in BPF and C++", "[abi]") {
    const std::unique_ptr<btf, void (*)(btf *)> types(btf__parse(GLB_ABI_OBJECT, nullptr), btf__free);
    REQUIRE(types);
    REQUIRE(layouts().size() >= 20);
    for (const auto &layout : layouts()) {
        INFO("struct " << layout.name);
        const int id = btf__find_by_name_kind(types.get(), layout.name.c_str(), BTF_KIND_STRUCT);
        REQUIRE(id > 0);
        check_layout(types.get(), btf__type_by_id(types.get(), static_cast<std::uint32_t>(id)), layout);
    }
}

TEST_CASE("abi: loaded programs use the layouts of bpf/abi", "[abi]") {
    for (const char *path : {GLB_XDP_OBJECT, GLB_GUARD_OBJECT, GLB_REDIRECT_OBJECT}) {
        const std::unique_ptr<btf, void (*)(btf *)> types(btf__parse(path, nullptr), btf__free);
        REQUIRE(types);
        std::size_t found = 0;
        for (const auto &layout : layouts())
            if (const int id = btf__find_by_name_kind(types.get(), layout.name.c_str(), BTF_KIND_STRUCT);
                id > 0) {
                check_layout(types.get(), btf__type_by_id(types.get(), static_cast<std::uint32_t>(id)),
                             layout);
                ++found;
            }
        CHECK(found > 0);
    }
}

TEST_CASE("abi: keys and values of all maps are structs of bpf/abi", "[abi]") {
    for (const char *path : {GLB_XDP_OBJECT, GLB_GUARD_OBJECT, GLB_REDIRECT_OBJECT}) {
        const std::unique_ptr<bpf_object, CloseObject> object(bpf_object__open_file(path, nullptr));
        REQUIRE(object);
        std::set<std::string> names;
        const bpf_map *map = nullptr;
        bpf_object__for_each_map(map, object.get()) {
            // Storage of the data path alone, and sections of global data.
            if (bpf_map__name(map) == std::string("glb_context") || bpf_map__is_internal(map))
                continue;
            for (const auto id : {bpf_map__btf_key_type_id(map), bpf_map__btf_value_type_id(map)})
                if (id != 0)
                    collect_structs(bpf_object__btf(object.get()), id, names);
        }
        REQUIRE_FALSE(names.empty());
        for (const auto &name : names) {
            INFO("struct " << name << " is shared through a map: define it in bpf/abi");
            CHECK(has_layout(name));
        }
    }
}
