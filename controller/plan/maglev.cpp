#include "controller/plan/maglev.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include <openssl/sha.h>
#include <xxhash.h>

namespace glb::plan {
namespace {

// A target during the build.
struct Contender {
    const MaglevTarget *target = nullptr;
    std::uint32_t next = 0; // the next slot that it prefers
    std::uint32_t step = 0; // from one preference to the next, 1 .. maglev_slots - 1
    std::uint32_t quota = 0;
    std::uint64_t remainder = 0; // of the exact share, in units of 1 / total weight
    std::uint64_t tie_break = 0;
};

// Preferences are a walk with a constant step, as in the paper; its two hashes are the halves of XXH3-128 of
// the id. The output of XXH3 is stable since xxHash 0.8.0 and independent of the byte order.
Contender make_contender(const MaglevTarget &target) {
    const XXH128_hash_t hash = XXH3_128bits(target.id.data(), target.id.size());
    Contender contender;
    contender.target = &target;
    contender.next = static_cast<std::uint32_t>(hash.low64 % maglev_slots);
    contender.step = static_cast<std::uint32_t>(hash.high64 % (maglev_slots - 1)) + 1;
    contender.tie_break = hash.low64 ^ hash.high64;
    return contender;
}

std::vector<Contender> contenders_by_id(std::span<const MaglevTarget> targets) {
    std::vector<Contender> contenders;
    contenders.reserve(targets.size());
    for (const auto &target : targets)
        if (target.weight != 0)
            contenders.push_back(make_contender(target));
    std::sort(contenders.begin(), contenders.end(),
              [](const Contender &a, const Contender &b) { return a.target->id < b.target->id; });
    return contenders;
}

// Assigns one slot to each target whose exact share is below one, so that no weight is rounded to zero. This
// reduces the share of the others and may push the next one below one, so targets are processed in ascending
// order of weight. Returns the remaining targets, heaviest first, and reduces `slots` and `weight`.
std::vector<Contender *> assign_to_most_underserved(std::vector<Contender> &contenders, std::uint64_t &slots,
                                                    std::uint64_t &weight) {
    std::vector<Contender *> remaining;
    for (auto &contender : contenders)
        remaining.push_back(&contender);
    std::stable_sort(remaining.begin(), remaining.end(), [](const Contender *a, const Contender *b) {
        return a->target->weight > b->target->weight;
    });
    while (!remaining.empty() && slots * remaining.back()->target->weight < weight) {
        remaining.back()->quota = 1;
        slots -= 1;
        weight -= remaining.back()->target->weight;
        remaining.pop_back();
    }
    return remaining;
}

// Largest remainder method: each quota is the exact share rounded up or down, and the quotas sum to
// maglev_slots. Products stay below 2^49: 65,537 slots times 32 bits of weight.
void set_quotas(std::vector<Contender> &contenders) {
    std::uint64_t slots = maglev_slots;
    std::uint64_t weight = 0;
    for (const auto &contender : contenders)
        weight += contender.target->weight;

    auto remaining = assign_to_most_underserved(contenders, slots, weight);
    std::uint64_t assigned = 0;
    for (auto *contender : remaining) {
        const std::uint64_t share = slots * contender->target->weight;
        contender->quota = static_cast<std::uint32_t>(share / weight);
        contender->remainder = share % weight;
        assigned += contender->quota;
    }
    // Ties (equal weights) are broken by the hash, so that alphabetical order has no influence.
    std::sort(remaining.begin(), remaining.end(), [](const Contender *a, const Contender *b) {
        if (a->remainder != b->remainder)
            return a->remainder > b->remainder;
        return a->tie_break != b->tie_break ? a->tie_break < b->tie_break : a->target->id < b->target->id;
    });
    for (std::size_t i = 0; assigned < slots; ++i, ++assigned)
        ++remaining[i]->quota;
}

void claim_next_free_slot(Contender &contender, MaglevTable &table) {
    while (table[contender.next] != maglev_no_target)
        contender.next = (contender.next + contender.step) % maglev_slots;
    table[contender.next] = contender.target->index;
}

} // namespace

// Rounds as in the paper, but with credits: each round adds quota / (largest quota) of a turn to a target,
// which takes a slot once it has a whole turn. After (largest quota) rounds each target has had exactly its
// quota of turns, and the table is full. Credits start at half a turn, so that the turns of a light target
// are in the middle of their intervals and not at the end, where its preferred slots are occupied.
MaglevTable build_maglev(std::span<const MaglevTarget> targets) {
    MaglevTable table(maglev_slots, maglev_no_target);
    auto contenders = contenders_by_id(targets);
    if (contenders.empty())
        return table;
    set_quotas(contenders);

    std::uint32_t turn = 0;
    for (const auto &contender : contenders)
        turn = std::max(turn, contender.quota);
    std::vector<std::uint32_t> credits(contenders.size(), turn / 2);
    for (std::uint32_t round = 0; round < turn; ++round) {
        for (std::size_t i = 0; i < contenders.size(); ++i) {
            credits[i] += contenders[i].quota;
            if (credits[i] >= turn) {
                credits[i] -= turn;
                claim_next_free_slot(contenders[i], table);
            }
        }
    }
    return table;
}

std::uint64_t maglev_fingerprint(std::span<const std::uint16_t> slots) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char *>(slots.data()), slots.size_bytes(), digest);
    std::uint64_t fingerprint = 0;
    std::memcpy(&fingerprint, digest, sizeof fingerprint);
    return fingerprint ? fingerprint : 1;
}

} // namespace glb::plan
