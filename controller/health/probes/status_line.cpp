#include "controller/health/probes/status_line.h"

#include <algorithm>
#include <optional>

namespace glb::health {
namespace {

constexpr std::string_view http_prefix = "HTTP/";

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// "HTTP/" DIGIT "." DIGIT SP+ 3DIGIT [SP anything]; a version without a dot, as in "HTTP/2", is accepted as
// well.
std::optional<int> parse_status_line(std::string_view line) {
    if (!line.starts_with(http_prefix))
        return std::nullopt;
    line.remove_prefix(http_prefix.size());
    const auto version_end = line.find_first_not_of("0123456789.");
    if (version_end == 0 || version_end == line.npos || line[version_end] != ' ')
        return std::nullopt;
    const auto code_begin = line.find_first_not_of(' ', version_end);
    if (code_begin == line.npos)
        return std::nullopt;
    line.remove_prefix(code_begin);
    if (line.size() < 3 || !std::all_of(line.begin(), line.begin() + 3, is_digit))
        return std::nullopt;
    if (line[0] == '0' || (line.size() > 3 && line[3] != ' '))
        return std::nullopt;
    return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

} // namespace

StatusLineReader::Progress StatusLineReader::feed(std::string_view bytes) {
    while (progress_ == Progress::more && !bytes.empty()) {
        const auto lf = bytes.find('\n');
        const auto part = bytes.substr(0, lf);
        line_ += part.substr(0, max_line + 1);
        seen_ += part.size() + (lf == bytes.npos ? 0 : 1);
        if (line_.size() > max_line || seen_ > max_bytes)
            return progress_ = Progress::garbage;
        if (lf == bytes.npos)
            return progress_ = may_become_status_line() ? Progress::more : Progress::garbage;
        bytes.remove_prefix(lf + 1);
        if (line_.ends_with('\r'))
            line_.pop_back();
        progress_ = on_line(line_);
        line_.clear();
    }
    return progress_;
}

StatusLineReader::Progress StatusLineReader::on_line(std::string_view line) {
    if (expect_ == Expect::interim_header) {
        if (line.empty())
            expect_ = Expect::status_line;
        return Progress::more;
    }
    if (line.empty())
        return Progress::more;
    const auto status = parse_status_line(line);
    if (!status)
        return Progress::garbage;
    if (*status < 200) {
        expect_ = Expect::interim_header;
        return Progress::more;
    }
    status_ = *status;
    return Progress::done;
}

// The greeting of another protocol (SSH, SMTP) may not contain an LF: it is recognised by its first bytes.
bool StatusLineReader::may_become_status_line() const {
    if (expect_ == Expect::interim_header || line_ == "\r")
        return true;
    const auto common = std::min(line_.size(), http_prefix.size());
    return std::string_view(line_).substr(0, common) == http_prefix.substr(0, common);
}

} // namespace glb::health
