#include "controller/datapath/metadata.h"

#include <algorithm>
#include <iterator>

namespace glb::datapath {

glb_metadata make_metadata(const LoadSettings &settings, const std::vector<std::uint8_t> &seed) {
    glb_metadata metadata{};
    metadata.schema = GLB_SCHEMA;
    set_seed(metadata, seed);
    std::copy(settings.table_key.begin(), settings.table_key.end(), metadata.settings.table_key.word);
    metadata.settings.bucket_mask = settings.capacity / GLB_FLOW_WAYS - 1;
    metadata.settings.punt_magic = settings.punt_magic;
    metadata.shape = {metadata.settings.bucket_mask, GLB_FLOW_WAYS, GLB_FLOW_BUCKETS, 0};
    return metadata;
}

void set_seed(glb_metadata &metadata, const std::vector<std::uint8_t> &seed) {
    metadata.seed_length = static_cast<std::uint32_t>(std::min<std::size_t>(seed.size(), GLB_SEED_BYTES));
    std::copy_n(seed.begin(), metadata.seed_length, metadata.seed);
}

std::vector<std::uint8_t> seed_of(const glb_metadata &metadata) {
    return {metadata.seed, metadata.seed + std::min<std::uint32_t>(metadata.seed_length, GLB_SEED_BYTES)};
}

LoadSettings load_settings_from(const glb_metadata &metadata, std::uint32_t capacity) {
    LoadSettings settings;
    settings.capacity = capacity;
    std::copy(std::begin(metadata.settings.table_key.word), std::end(metadata.settings.table_key.word),
              settings.table_key.begin());
    settings.punt_magic = metadata.settings.punt_magic;
    return settings;
}

} // namespace glb::datapath
