// StatusLineReader: finds the final status line of an HTTP/1 response.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace glb::health {

/// Lenient, as RFC 9112, section 2.2 permits: lines may end in a bare LF, the reason phrase and the space
/// before it may be missing, empty lines may precede. Interim responses (1xx) are skipped with their headers.
/// A line is complete with its LF. Bytes after the final status line are ignored.
class StatusLineReader {
  public:
    static constexpr std::size_t max_line = 4096; ///< of a status line, or a header of an interim response
    static constexpr std::size_t max_bytes = 64 * 1024; ///< of everything before the final status line

    enum class Progress : std::uint8_t {
        more,    ///< not complete yet
        done,    ///< `status()` is the final status
        garbage, ///< not an HTTP response, or too long
    };

    /// The next bytes, in portions of any size. The result remains after done and garbage.
    Progress feed(std::string_view bytes);

    [[nodiscard]] int status() const { return status_; }

  private:
    enum class Expect : std::uint8_t { status_line, interim_header };

    Progress on_line(std::string_view line);
    [[nodiscard]] bool may_become_status_line() const;

    Progress progress_ = Progress::more;
    Expect expect_ = Expect::status_line;
    std::string line_; // so far, without LF
    std::size_t seen_ = 0;
    int status_ = 0;
};

} // namespace glb::health
