#include "controller/datapath/egress_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "controller/datapath/grace_period.h"
#include "controller/datapath/map_io.h"

namespace glb::datapath {

namespace {

template <Map map>
WritableMap egress_map(const DatapathHandlesPtr &handles) {
    return writable<EgressWriter, map>(*handles);
}

template <typename Row>
bool is_same(const Row &a, const Row &b) {
    return std::memcmp(&a, &b, sizeof(Row)) == 0;
}

glb_next_hop_key map_key(const NextHopKey &key) {
    glb_next_hop_key row{};
    row.ifindex = key.first;
    std::copy(key.second.bytes.begin(), key.second.bytes.end(), row.mac);
    return row;
}

NextHopKey shadow_key(const glb_next_hop_key &row) {
    NextHopKey key{row.ifindex, {}};
    std::copy(std::begin(row.mac), std::end(row.mac), key.second.bytes.begin());
    return key;
}

} // namespace

Status EgressWriter::restore_egress() {
    GLB_ASSIGN(const auto rows, all_keys<std::uint32_t>(map_ref(*handles_, Map::egress)));
    for (const auto ifindex : rows)
        egress_.emplace(ifindex, glb_egress{}); // differs from every row that is wanted
    return {};
}

Status EgressWriter::add_device(std::uint32_t ifindex) {
    return update_row(egress_map<Map::devmap>(handles_), ifindex, &ifindex);
}

Status EgressWriter::sync_egress(const EgressRows &wanted) {
    for (const auto &[ifindex, row] : wanted) {
        const auto installed = egress_.find(ifindex);
        if (installed != egress_.end() && is_same(installed->second, row))
            continue;
        GLB_TRY(update_row(egress_map<Map::egress>(handles_), ifindex, &row));
        egress_[ifindex] = row;
    }
    for (auto at = egress_.begin(); at != egress_.end();) {
        if (wanted.contains(at->first)) {
            ++at;
            continue;
        }
        GLB_TRY(erase_key(egress_map<Map::egress>(handles_), at->first));
        at = egress_.erase(at);
    }
    return {};
}

Status EgressWriter::sync_next_hops(std::map<NextHopKey, glb_next_hop> wanted, ConfigWriter &config) {
    for (auto at = next_hops_.begin(); at != next_hops_.end();) {
        const auto same = wanted.find(at->first);
        if (same != wanted.end() && is_same(same->second, at->second.row)) {
            wanted.erase(same);
            ++at;
            continue;
        }
        GLB_TRY(remove_next_hop(at->first));
        at = next_hops_.erase(at);
    }
    if (next_index_ + wanted.size() >= GLB_MAX_NEXT_HOPS) {
        GLB_TRY(clear_next_hops());
        GLB_TRY(config.raise_route_generation());
        GLB_TRY(wait_for_grace_period());
        next_index_ = 0;
        return {};
    }
    for (const auto &[key, row] : wanted)
        GLB_TRY(write_next_hop(key, row));
    return {};
}

Status EgressWriter::clear_next_hops() {
    GLB_ASSIGN(const auto rows, all_keys<glb_next_hop_key>(map_ref(*handles_, Map::next_hop_ids)));
    for (const auto &key : rows) {
        GLB_TRY(erase_key(egress_map<Map::next_hop_ids>(handles_), key));
        next_hops_.erase(shadow_key(key)); // a later row may fail
    }
    next_hops_.clear();
    return {};
}

Status EgressWriter::write_next_hop(const NextHopKey &key, const glb_next_hop &row) {
    const auto index = next_index_;
    GLB_TRY(update_row(egress_map<Map::next_hops>(handles_), index, &row));
    const auto id = map_key(key);
    const auto ids = egress_map<Map::next_hop_ids>(handles_);
    if (bpf_map_update_elem(ids.fd, &id, &index, BPF_ANY) != 0)
        return fail_errno(errno, "cannot write {}", ids.name);
    next_hops_[key] = {index, row};
    ++next_index_;
    return {};
}

Status EgressWriter::remove_next_hop(const NextHopKey &key) {
    return erase_key(egress_map<Map::next_hop_ids>(handles_), map_key(key));
}

} // namespace glb::datapath
