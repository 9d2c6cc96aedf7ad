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

namespace {

std::set<std::string> names_of(const nlohmann::json &list) {
    std::set<std::string> names;
    for (const auto &name : list)
        if (name.is_string())
            names.insert(name.get<std::string>());
    return names;
}

} // namespace

SavedState SavedState::load(const std::filesystem::path &file, std::string &damage) {
    damage.clear();
    const auto text = read_file(file);
    if (!text) {
        if (text.error().code != ENOENT)
            damage = text.error().message;
        return {};
    }
    const auto json = nlohmann::json::parse(*text, nullptr, false);
    damage = file.string() + " is damaged";
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
    state.clsact = names_of(json["clsact"]);
    if (json.contains("devices"))
        state.devices = names_of(json["devices"]);
    damage.clear();
    return state;
}

Status SavedState::save(const std::filesystem::path &file) const {
    nlohmann::json json = {{"markMask", mark_mask}, {"sysctls", sysctls}, {"clsact", clsact}};
    if (devices)
        json["devices"] = *devices;
    return write_file_atomically(file, json.dump(2) + "\n");
}

SavedStateFile::SavedStateFile(std::filesystem::path file) : file_(std::move(file)) {
    state_ = persisted_ = SavedState::load(file_, damage_);
    std::error_code code;
    exists_ = std::filesystem::exists(file_, code) || code;
}

Status SavedStateFile::persist() {
    if (state_ == persisted_)
        return {};
    if (auto saved = state_.save(file_); !saved) {
        auto error = std::move(saved).error();
        error.message += "; " + write_error_hint(error.code, file_.parent_path());
        write_error_ = error.message;
        return tl::unexpected(std::move(error));
    }
    persisted_ = state_;
    exists_ = true;
    write_error_.clear();
    return {};
}

Status SavedStateFile::remove() {
    if (::unlink(file_.c_str()) != 0 && errno != ENOENT)
        return fail_errno(errno, "cannot remove {}", file_.string());
    state_ = persisted_ = {};
    exists_ = false;
    damage_.clear();
    write_error_.clear();
    return {};
}

std::vector<Condition> SavedStateFile::conditions() const {
    std::vector<Condition> conditions;
    if (!damage_.empty())
        conditions.push_back({Severity::warning, "guard-state-damaged", file_.string(),
                              damage_ + ": the original sysctl values are unknown", ""});
    if (!write_error_.empty())
        conditions.push_back({Severity::error, "guard-state-unwritable", file_.string(),
                              write_error_ + ": the original sysctl values are lost when glbd ends", ""});
    return conditions;
}

} // namespace glb::guard
