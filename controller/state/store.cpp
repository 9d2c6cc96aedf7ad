#include "controller/state/store.h"

#include <array>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/util/files.h"
#include "controller/util/numbers.h"

namespace glb::state {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t new_seed_bytes = 16;
constexpr std::size_t min_seed_bytes = 8, max_seed_bytes = 32; // the manifest's range of node.hashSeed

std::string format_seed(const HashSeed &seed) {
    return format_hex_bytes(seed) + '\n';
}

/// Two hex digits per byte, and a newline.
std::optional<HashSeed> parse_seed(std::string_view text) {
    if (!text.ends_with('\n'))
        return std::nullopt;
    auto seed = parse_hex_bytes(text.substr(0, text.size() - 1));
    if (!seed || seed->size() < min_seed_bytes || seed->size() > max_seed_bytes)
        return std::nullopt;
    return seed;
}

Result<HashSeed> random_seed() {
    HashSeed seed(new_seed_bytes);
    // Requests of up to 256 bytes are never short (getrandom(2)).
    if (::getrandom(seed.data(), seed.size(), 0) != static_cast<ssize_t>(seed.size()))
        return fail_errno(errno, "cannot generate a hash seed");
    return seed;
}

std::string lock_holder(int fd) {
    std::array<char, 32> text{};
    const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
    return got > 0 ? " (pid " + std::string(text.data(), static_cast<std::size_t>(got)) + ")" : "";
}

/// In a folder that is read-only the file, or the folder itself, is locked without writing. `opened` is how the file
/// could be opened.
Result<Fd> acquire_lock(const fs::path &folder, Status &opened) {
    const auto file = folder / "lock";
    Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) {
        opened = fail_errno(errno, "cannot open {}", file.string());
        fd = Fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    }
    if (!fd)
        fd = Fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd)
        return tl::unexpected(opened.error());
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return fail_errno(errno, "cannot lock {}", file.string());
        return tl::unexpected(Error{fmt::format("another glbd{} uses the state directory {}: stop it, or set "
                                                "another directory with --state-dir",
                                                lock_holder(fd.get()), folder.string()),
                                    EBUSY});
    }
    // The pid is only used in the message above: a failed write is harmless.
    const auto pid = std::to_string(::getpid());
    [[maybe_unused]] const bool written =
        ::ftruncate(fd.get(), 0) == 0 && ::pwrite(fd.get(), pid.data(), pid.size(), 0) > 0;
    return fd;
}

bool is_same_file(int a, int b) {
    struct stat first {
    }, second{};
    return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

} // namespace

StateStore::StateStore(const fs::path &folder)
    : manifest_(folder / "manifest"), seed_(folder / "hash-seed"), values_file_(folder / "values"),
      lock_path_(folder / "lock") {}

Result<StateStore> StateStore::open(const fs::path &folder) {
    GLB_TRY(make_folders(folder, 0700));
    StateStore store(folder);
    Status opened;
    GLB_ASSIGN(store.lock_, acquire_lock(folder, opened));
    (void)store.record_write(store.lock_path_, opened);
    store.read_values();
    return store;
}

void StateStore::read_values() {
    auto loaded = values_file_.load();
    warning_ = std::move(loaded.warning);
    record_damage(values_file_.path(), warning_, Severity::warning);
    if (!loaded.text)
        return;
    auto values = nlohmann::json::parse(*loaded.text, nullptr, false);
    if (values.is_object())
        values_ = std::move(values);
    else
        warning_ = values_file_.path().string() + " is not a JSON object: treated as empty";
    record_damage(values_file_.path(), warning_, Severity::warning);
}

void StateStore::record_damage(const fs::path &file, const std::string &warning, Severity severity) const {
    if (warning.empty())
        return;
    const std::lock_guard lock(*mutex_);
    damaged_[file] = {severity, "state-damaged", file.string(), warning, "glbctl apply FILE"};
}

Status StateStore::record_write(const fs::path &file, Status written) {
    const std::lock_guard lock(*mutex_);
    if (written)
        unwritable_.erase(file);
    else
        unwritable_[file] = {Severity::error, "state-unwritable", file.string(), written.error().message, ""};
    return written;
}

/// Takes the lock of the file itself, once that can be opened for writing.
void StateStore::retry_lock() {
    {
        const std::lock_guard lock(*mutex_);
        if (!unwritable_.contains(lock_path_))
            return;
    }
    Fd fd(::open(lock_path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd)
        return;
    if (!is_same_file(fd.get(), lock_.get())) {
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
            return;
        lock_ = std::move(fd);
    }
    (void)record_write(lock_path_, {});
}

std::vector<Condition> StateStore::conditions() const {
    const std::lock_guard lock(*mutex_);
    std::vector<Condition> all;
    for (const auto *found : {&std::as_const(damaged_), &unwritable_})
        for (const auto &[file, condition] : *found)
            all.push_back(condition);
    return all;
}

Status StateStore::save_manifest(std::string_view text) {
    GLB_TRY(record_write(manifest_.path(), manifest_.save(text)));
    const std::lock_guard lock(*mutex_);
    damaged_.clear(); // the operator knows what the node has now
    return {};
}

LoadedFile StateStore::load_manifest() const {
    auto loaded = manifest_.load();
    record_damage(manifest_.path(), loaded.warning, Severity::error);
    return loaded;
}

Status StateStore::remove_manifest() {
    GLB_TRY(manifest_.remove());
    const std::lock_guard lock(*mutex_);
    damaged_.erase(manifest_.path());
    unwritable_.erase(manifest_.path());
    return {};
}

Result<StoredSeed> StateStore::hash_seed(const std::optional<HashSeed> &running, bool may_create) {
    const auto loaded = seed_.load();
    record_damage(seed_.path(), loaded.warning, Severity::warning);
    if (loaded.text) {
        if (auto seed = parse_seed(*loaded.text))
            return StoredSeed{std::move(*seed), loaded.warning};
    }
    const auto path = seed_.path().string();
    const auto lost = !loaded.warning.empty() ? loaded.warning
                      : loaded.text           ? path + " is not a valid seed"
                                              : path + " is missing";
    if (running) { // which has it, whether or not it can be stored
        const auto stored = record_write(seed_.path(), seed_.save(format_seed(*running)));
        return StoredSeed{*running,
                          fmt::format("hash seed: {}: the running data path's seed {}", lost,
                                      stored ? "was stored again"
                                             : "is used, but cannot be stored: " + stored.error().message)};
    }
    if (!may_create)
        return fail("the hash seed is lost ({}), but live flows depend on it: set node.hashSeed in the "
                    "manifest to the value of the other nodes, or remove the flows with glbctl down",
                    lost);
    GLB_ASSIGN(auto seed, random_seed());
    GLB_TRY(record_write(seed_.path(), seed_.save(format_seed(seed))));
    const bool first = loaded.warning.empty() && !loaded.text;
    return StoredSeed{std::move(seed), first ? "" : "hash seed: " + lost + ": a new one was generated"};
}

Status StateStore::persist_hash_seed(const HashSeed &seed) {
    return record_write(seed_.path(), seed_.save(format_seed(seed)));
}

nlohmann::json StateStore::value(const std::string &key) const {
    const std::lock_guard lock(*mutex_);
    const auto found = values_.find(key);
    return found == values_.end() ? nlohmann::json() : *found;
}

Status StateStore::set_value(const std::string &key, nlohmann::json value) {
    auto values = values_; // only this thread changes it
    if (value.is_null())
        values.erase(key);
    else
        values[key] = std::move(value);
    if (values == values_)
        return {};
    // Invalid UTF-8 is replaced: a single name must not prevent storing the rest.
    const auto text = values.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    GLB_TRY(record_write(values_file_.path(), values_file_.save(text)));
    retry_lock();
    const std::lock_guard lock(*mutex_);
    values_ = std::move(values);
    return {};
}

} // namespace glb::state
