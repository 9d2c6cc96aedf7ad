// Command-line options that a page documents, and those of a program.
#pragma once

#include <regex>
#include <set>
#include <stdexcept>
#include <string>

#include <CLI/CLI.hpp>

#include "controller/util/files.h"

namespace glb::test {

using Names = std::set<std::string>;

/// Long options of `app`, except --help and --version.
inline Names long_options(const CLI::App &app) {
    Names names;
    for (const auto *option : app.get_options())
        for (const auto &name : option->get_lnames())
            names.insert("--" + name);
    names.erase("--help");
    names.erase("--version");
    return names;
}

/// Long options that follow `before` (a regular expression) in the page at `path`, with the same exceptions.
inline Names options_in(const std::string &path, const std::string &before = "") {
    const auto page = read_file(path);
    if (!page)
        throw std::runtime_error(page.error().message);
    const auto text = std::regex_replace(*page, std::regex(R"(\\-)"), "-");
    const std::regex option(before + "(--[a-z-]+)");
    Names names;
    for (std::sregex_iterator found(text.begin(), text.end(), option), end; found != end; ++found)
        names.insert((*found)[1]);
    names.erase("--help");
    names.erase("--version");
    return names;
}

} // namespace glb::test
