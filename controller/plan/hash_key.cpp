#include "controller/plan/hash_key.h"

#include <openssl/sha.h>

namespace glb::plan {

std::array<std::uint32_t, GLB_NH_KEYS> steering_key(const std::vector<std::uint8_t> &seed) {
    std::array<std::uint32_t, GLB_NH_KEYS> key{};
    std::size_t next = 0;
    for (std::uint8_t counter = 0; next < key.size(); ++counter) {
        auto input = seed;
        input.push_back(counter);
        unsigned char digest[SHA256_DIGEST_LENGTH];
        SHA256(input.data(), input.size(), digest);
        for (std::size_t i = 0; i + 4 <= sizeof digest && next < key.size(); i += 4)
            key[next++] = std::uint32_t{digest[i]} << 24 | std::uint32_t{digest[i + 1]} << 16 |
                          std::uint32_t{digest[i + 2]} << 8 | digest[i + 3];
    }
    return key;
}

} // namespace glb::plan
