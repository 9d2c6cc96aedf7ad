// Fixture: glbctl as a process, with a fake daemon.
#pragma once

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "process.h"

namespace glb::test {

/// A fake-glbd and the files of one test; both are removed with it.
class Fixture {
  public:
    explicit Fixture(bool with_daemon = true, const std::string &mode = "plain") {
        std::string name = (std::filesystem::temp_directory_path() / "glb-cli-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder_ = name;
        if (with_daemon)
            serve(mode);
    }
    ~Fixture() {
        end();
        std::filesystem::remove_all(folder_);
    }
    Fixture(const Fixture &) = delete;
    Fixture &operator=(const Fixture &) = delete;

    /// Starts a fake-glbd with `mode` (fake_glbd.cpp).
    void serve(const std::string &mode = "plain") {
        Pipe in, out;
        daemon_ = start({FAKE_GLBD, socket(), mode}, {}, in.read.get(), out.write.get(), STDERR_FILENO);
        input_ = std::move(in.write);
        char ready[6] = {};
        REQUIRE(::read(out.read.get(), ready, sizeof ready) == sizeof ready);
    }
    void end() {
        input_.reset();
        if (daemon_ <= 0)
            return;
        ::kill(daemon_, SIGCONT); // a test may have stopped it
        ::waitpid(daemon_, nullptr, 0);
        daemon_ = 0;
    }
    void signal(int number) const { REQUIRE(::kill(daemon_, number) == 0); }

    [[nodiscard]] std::string socket() const { return folder_ / "s"; }
    [[nodiscard]] std::string file(const std::string &text) const {
        const auto path = folder_ / "manifest.json";
        std::ofstream(path) << text;
        return path;
    }
    [[nodiscard]] Outcome operator()(std::vector<std::string> arguments,
                                     const std::string &input = {}) const {
        arguments.insert(arguments.begin(), {GLBCTL, "--socket", socket()});
        return run(arguments, input);
    }
    [[nodiscard]] pid_t daemon() const { return daemon_; }
    [[nodiscard]] Running begin(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), {GLBCTL, "--socket", socket()});
        return run_on(arguments);
    }

  private:
    std::filesystem::path folder_;
    glb::Fd input_;
    pid_t daemon_ = 0;
};

inline bool has(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

inline constexpr auto refused_manifest = "{}";
inline constexpr auto valid_manifest = R"({"version": 1})";

} // namespace glb::test
