#include "controller/plan/maglev.h"

#include <algorithm>
#include <numeric>

#include <xxhash.h>

namespace glb {
namespace {

// A target while the table is filled.
struct Contender {
    const MaglevTarget *target = nullptr;
    std::uint32_t next = 0; // the slot it would like next
    std::uint32_t step = 0; // from one preference to the one after it, 1 .. kMaglevSlots - 1
    std::uint32_t quota = 0;
    std::uint64_t remainder = 0; // of the exact share, in units of 1 / total weight
    std::uint64_t tie_break = 0;
};

// The order of preference is a walk of constant step, as in the paper, its two hashes being the halves of
// XXH3-128 of the id. XXH3's output is frozen since xxHash 0.8.0 and does not depend on the byte order.
Contender make_contender(const MaglevTarget &target) {
    const XXH128_hash_t hash = XXH3_128bits(target.id.data(), target.id.size());
    Contender contender;
    contender.target = &target;
    contender.next = static_cast<std::uint32_t>(hash.low64 % kMaglevSlots);
    contender.step = static_cast<std::uint32_t>(hash.high64 % (kMaglevSlots - 1)) + 1;
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

// Gives a slot to each target whose exact share is below one: a weight that the user gave must not come to
// nothing. That takes slots from the others, which may push the next one below one, and so on from the
// lightest upwards. Returns the targets that are left, heaviest first, and lowers `slots` and `weight`.
std::vector<Contender *> assign_to_most_underserved(std::vector<Contender> &contenders, std::uint64_t &slots,
                                                    std::uint64_t &weight) {
    std::vector<Contender *> rest;
    for (auto &contender : contenders)
        rest.push_back(&contender);
    std::stable_sort(rest.begin(), rest.end(), [](const Contender *a, const Contender *b) {
        return a->target->weight > b->target->weight;
    });
    while (!rest.empty() && slots * rest.back()->target->weight < weight) {
        rest.back()->quota = 1;
        slots -= 1;
        weight -= rest.back()->target->weight;
        rest.pop_back();
    }
    return rest;
}

// Slots as weights, by largest remainder: every quota is its exact share rounded up or down, and all of
// them sum to kMaglevSlots. Products stay below 2^49: 65,537 slots by 32 bits of weight.
void set_quotas(std::vector<Contender> &contenders) {
    std::uint64_t slots = kMaglevSlots;
    std::uint64_t weight = 0;
    for (const auto &contender : contenders)
        weight += contender.target->weight;

    auto rest = assign_to_most_underserved(contenders, slots, weight);
    std::uint64_t given = 0;
    for (auto *contender : rest) {
        const std::uint64_t share = slots * contender->target->weight;
        contender->quota = static_cast<std::uint32_t>(share / weight);
        contender->remainder = share % weight;
        given += contender->quota;
    }
    // Equal remainders (equal weights) are told apart by the hash, so that no name is favoured by the
    // alphabet.
    std::sort(rest.begin(), rest.end(), [](const Contender *a, const Contender *b) {
        if (a->remainder != b->remainder)
            return a->remainder > b->remainder;
        return a->tie_break != b->tie_break ? a->tie_break < b->tie_break : a->target->id < b->target->id;
    });
    for (std::size_t i = 0; given < slots; ++i, ++given)
        ++rest[i]->quota;
}

void take_next_free_slot(Contender &contender, MaglevTable &table) {
    while (table[contender.next] != kMaglevNoTarget)
        contender.next = (contender.next + contender.step) % kMaglevSlots;
    table[contender.next] = contender.target->index;
}

} // namespace

// Rounds as in the paper, but a target joins a round only when it has saved a whole turn: it earns
// quota / (largest quota) of one in each round. After as many rounds as the largest quota each target has
// had exactly its quota of turns, and the table is full. Earning starts at half a turn, so that the turns
// of a light target lie in the middle of their spans and not at the ends, where all slots that it likes are
// gone.
MaglevTable build_maglev(std::span<const MaglevTarget> targets) {
    MaglevTable table(kMaglevSlots, kMaglevNoTarget);
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
                take_next_free_slot(contenders[i], table);
            }
        }
    }
    return table;
}

} // namespace glb
