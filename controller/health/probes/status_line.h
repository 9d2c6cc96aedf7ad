// StatusLineReader: finds the final status line in the bytes of an HTTP/1 answer, and looks at nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace glb {

/// Lenient where real appliances are sloppy (RFC 9112, section 2.2 lets a recipient be): lines may end in a
/// bare LF, the reason phrase and the space before it may be missing, empty lines may come first. Interim
/// answers (1xx) are skipped with their headers. A line is whole with its LF; what follows it is never looked
/// at.
class StatusLineReader {
  public:
    static constexpr std::size_t kMaxLine = 4096; ///< of a status line, or a header of an interim answer
    static constexpr std::size_t kMaxBytes = 64 * 1024; ///< of everything before the final status line

    enum class Progress : std::uint8_t {
        more,    ///< not whole yet
        done,    ///< `status()` is the final status
        garbage, ///< this is no HTTP answer, or too long
    };

    /// Takes the next bytes, in any portions. After done or garbage the answer stays.
    Progress feed(std::string_view bytes);

    [[nodiscard]] int status() const { return status_; }

  private:
    enum class Expect : std::uint8_t { status_line, interim_header };

    Progress take_line(std::string_view line);
    [[nodiscard]] bool may_become_status_line() const;

    Progress progress_ = Progress::more;
    Expect expect_ = Expect::status_line;
    std::string line_; // so far, without LF
    std::size_t seen_ = 0;
    int status_ = 0;
};

} // namespace glb
