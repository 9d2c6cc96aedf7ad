// What glbctl prints: results on stdout, errors on stderr; and what it reads as input.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/context.h"
#include "controller/util/api_error.h"
#include "controller/util/result.h"

namespace glb::cli {

/// Prints to stdout. False if this or an earlier write has failed.
bool print(std::string_view text);

/// stdout is closed: flush_output() fails.
void expect_no_output();

/// Flushes stdout. The error is that of the first write that failed.
[[nodiscard]] Status flush_output();

/// "glbctl: REASON" on stderr.
void print_error(const std::string &reason);

/// Each as "glbctl: POINTER: MESSAGE" on stderr, without the pointer if the error is one of the whole
/// request.
void print_errors(const std::vector<ApiError> &errors);

/// Errors of a manifest: each as "FILE: POINTER: MESSAGE" on stderr.
void print_errors(const std::string &file, const std::vector<ApiError> &errors);

/// The text of the API's error document.
[[nodiscard]] std::string error_document(const std::vector<ApiError> &errors);

/// The errors of the API's error document; at least one.
[[nodiscard]] std::vector<ApiError> errors_of(const nlohmann::json &document);

/// Prints an error of glbctl itself, with -o json as an error document too. Returns exit_refused.
[[nodiscard]] int fail_command(const Context &context, const std::string &reason);

/// The file's content, or that of stdin if the name is "-".
[[nodiscard]] Result<std::string> read_input(const std::string &file);

/// The name of the input in messages: that of the file, or "stdin".
[[nodiscard]] std::string input_name(const std::string &file);

} // namespace glb::cli
