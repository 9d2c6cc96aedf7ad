#include "cli/output.h"

#include <array>
#include <cerrno>
#include <cstdio>

#include <fmt/format.h>

#include "cli/format.h"
#include "controller/config/parser.h"
#include "controller/documents/errors.h"
#include "controller/util/files.h"

namespace glb::cli {

namespace {

int write_errno = 0; // errno of the first write that failed: the stream itself does not keep it

} // namespace

bool print(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() && write_errno == 0)
        write_errno = errno;
    return write_errno == 0;
}

void expect_no_output() {
    write_errno = EBADF;
}

Status flush_output() {
    if (std::fflush(stdout) != 0 && write_errno == 0)
        write_errno = errno;
    if (write_errno == 0 && std::ferror(stdout))
        write_errno = EIO;
    return write_errno == 0 ? Status{} : fail_errno(write_errno, "cannot write the output");
}

void print_error(const std::string &reason) {
    std::fputs(("glbctl: " + sanitize(reason) + '\n').c_str(), stderr);
}

void print_errors(const std::vector<ApiError> &errors) {
    for (const auto &[pointer, message] : errors)
        print_error(pointer.empty() ? message : fmt::format("{}: {}", pointer, message));
}

void print_errors(const std::string &file, const std::vector<ApiError> &errors) {
    for (const auto &[pointer, message] : errors)
        std::fputs((sanitize(config::error_line(file, pointer, message)) + '\n').c_str(), stderr);
}

std::string error_document(const std::vector<ApiError> &errors) {
    return documents::serialize(documents::Errors{errors}) + '\n';
}

std::vector<ApiError> errors_of(const nlohmann::json &document) {
    auto errors = documents::from_json<documents::Errors>(document);
    if (!errors || errors->errors.empty())
        return {{"", "the daemon refused the request without a reason"}};
    return std::move(errors->errors);
}

int fail_command(const Context &context, const std::string &reason) {
    print_error(reason);
    if (context.output == Output::json)
        print(error_document({{"", reason}}));
    return exit_refused;
}

Result<std::string> read_input(const std::string &file) {
    if (file != "-")
        return read_file(file);
    std::string text;
    std::array<char, 65536> chunk{};
    while (const auto count = std::fread(chunk.data(), 1, chunk.size(), stdin))
        text.append(chunk.data(), count);
    if (std::ferror(stdin))
        return fail("cannot read stdin");
    return text;
}

std::string input_name(const std::string &file) {
    return file == "-" ? "stdin" : file;
}

} // namespace glb::cli
