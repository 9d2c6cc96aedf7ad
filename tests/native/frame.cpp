#include <algorithm>
#include <cerrno>

#include "tests/native/kernel.h"

namespace glb::test {

namespace {

constexpr std::size_t ethernet = 14;
constexpr std::size_t most_metadata = 32; // until Linux 6.3; 252 since
constexpr std::uint8_t poison = 0xff;     // fills the headroom, which exposes unwritten header bytes

} // namespace

NativeFrame::NativeFrame(const Bytes &bytes, const Driver &driver, const Bytes &metadata)
    : native_frame{}, headroom_(driver.headroom), has_metadata_(driver.has_metadata) {
    const auto linear = static_cast<long>(std::min(bytes.size(), driver.linear));
    ingress_ifindex = driver.ingress_ifindex;
    fragments_.assign(bytes.begin() + linear, bytes.end());
    store(metadata, Bytes(bytes.begin(), bytes.begin() + linear));
}

void NativeFrame::store(const Bytes &metadata, const Bytes &linear) {
    auto block = std::make_unique<std::uint8_t[]>(metadata.size() + linear.size());
    std::copy(metadata.begin(), metadata.end(), block.get());
    std::copy(linear.begin(), linear.end(), block.get() + metadata.size());
    block_ = std::move(block);
    data_meta = reinterpret_cast<unsigned long>(block_.get());
    data = data_meta + metadata.size();
    data_end = data + linear.size();
    if (!has_metadata_)
        data_meta = data + 1; // xdp_set_data_meta_invalid()
}

Bytes NativeFrame::metadata() const {
    if (!has_metadata_)
        return {};
    return {block_.get(), block_.get() + (data - data_meta)};
}

Bytes NativeFrame::bytes() const {
    const auto *begin = reinterpret_cast<const std::uint8_t *>(data);
    Bytes all(begin, begin + linear_size());
    all.insert(all.end(), fragments_.begin(), fragments_.end());
    return all;
}

long NativeFrame::adjust_head(int delta) {
    const auto meta = metadata();
    const auto *begin = reinterpret_cast<const std::uint8_t *>(data);
    Bytes linear(begin, begin + linear_size());
    if (delta < 0) {
        const auto more = static_cast<std::size_t>(-static_cast<long>(delta));
        if (more + meta.size() > headroom_)
            return -EINVAL;
        linear.insert(linear.begin(), more, poison);
        headroom_ -= more;
    } else {
        const auto less = static_cast<std::size_t>(delta);
        if (less + ethernet > linear.size())
            return -EINVAL;
        linear.erase(linear.begin(), linear.begin() + delta);
        headroom_ += less;
    }
    store(meta, linear);
    return 0;
}

long NativeFrame::adjust_tail(int delta) {
    const auto *begin = reinterpret_cast<const std::uint8_t *>(data);
    Bytes linear(begin, begin + linear_size());
    if (delta > 0)
        return -EINVAL; // growing is not supported: the data path does not need it
    auto less = static_cast<std::size_t>(-static_cast<long>(delta));
    if (less + ethernet > size())
        return -EINVAL;
    const auto of_fragments = std::min(less, fragments_.size());
    fragments_.resize(fragments_.size() - of_fragments);
    less = std::min(less - of_fragments, linear.size());
    linear.resize(linear.size() - less);
    store(metadata(), linear);
    return 0;
}

long NativeFrame::adjust_meta(int delta) {
    if (!has_metadata_)
        return -ENOTSUP;
    auto meta = metadata();
    const auto size = static_cast<long>(meta.size()) - delta;
    if (size < 0 || size > static_cast<long>(headroom_))
        return -EINVAL;
    if (size > static_cast<long>(most_metadata) || size % 4)
        return -EACCES;
    const auto *begin = reinterpret_cast<const std::uint8_t *>(data);
    if (delta < 0)
        meta.insert(meta.begin(), static_cast<std::size_t>(size) - meta.size(), poison);
    else
        meta.erase(meta.begin(), meta.begin() + delta);
    store(meta, Bytes(begin, begin + linear_size()));
    return 0;
}

} // namespace glb::test
