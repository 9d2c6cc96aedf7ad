#include "controller/guard/saved_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "controller/util/fd.h"
#include "controller/util/files.h"

namespace glb::guard {

std::optional<std::string> read_sysctl(const std::string &key) {
    auto text = read_file("/proc/sys/" + key);
    if (!text)
        return std::nullopt;
    while (!text->empty() && text->back() == '\n')
        text->pop_back();
    return *text;
}

Status write_sysctl(const std::string &key, const std::string &value) {
    const Fd file(::open(("/proc/sys/" + key).c_str(), O_WRONLY | O_CLOEXEC));
    if (!file || ::write(file.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size()))
        return fail_errno(errno, "cannot set sysctl {} to {}", key, value);
    return {};
}

SavedState SavedState::load(const std::filesystem::path &file, bool &damaged) {
    damaged = false;
    const auto text = read_file(file);
    if (!text && text.error().code == ENOENT)
        return {};
    const auto json = nlohmann::json::parse(text ? *text : "", nullptr, false);
    damaged = true;
    if (!json.is_object() || !json.contains("markMask") || !json.contains("sysctls") ||
        !json.contains("clsact"))
        return {};
    SavedState state;
    if (!json["markMask"].is_number_unsigned() || !json["sysctls"].is_object() || !json["clsact"].is_array())
        return {};
    state.mark_mask = json["markMask"].get<std::uint32_t>();
    for (const auto &[key, value] : json["sysctls"].items())
        if (value.is_string())
            state.sysctls[key] = value.get<std::string>();
    for (const auto &name : json["clsact"])
        if (name.is_string())
            state.clsact.insert(name.get<std::string>());
    damaged = false;
    return state;
}

Status SavedState::save(const std::filesystem::path &file) const {
    nlohmann::json json = {{"markMask", mark_mask}, {"sysctls", sysctls}, {"clsact", clsact}};
    return write_file_atomically(file, json.dump(2) + "\n");
}

} // namespace glb::guard
