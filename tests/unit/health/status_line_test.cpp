#include <catch2/catch.hpp>

#include "controller/health/probes/status_line.h"

using glb::health::StatusLineReader;
using Progress = StatusLineReader::Progress;

namespace {
// The status of `answer`, read in one portion and byte by byte; 0: incomplete, -1: garbage.
int read(const std::string &answer) {
    StatusLineReader whole;
    StatusLineReader slow;
    const auto progress = whole.feed(answer);
    for (const char c : answer)
        slow.feed({&c, 1});
    CHECK(slow.feed("") == progress);
    CHECK(slow.status() == whole.status());
    if (progress == Progress::garbage)
        return -1;
    return progress == Progress::done ? whole.status() : 0;
}
} // namespace

TEST_CASE("status line: variants that appliances send", "[health]") {
    CHECK(read("HTTP/1.1 200 OK\r\n") == 200);
    CHECK(read("HTTP/1.0 404 Not Found\r\nServer: x\r\n\r\nbody") == 404);
    CHECK(read("HTTP/1.1 200 OK\nContent-Type: text/html\n\n") == 200); // bare LF
    CHECK(read("HTTP/1.1 503\r\n") == 503);
    CHECK(read("HTTP/1.1  204 \r\n") == 204);
    CHECK(read("\r\n\nHTTP/1.1 200 OK\r\n") == 200);
    CHECK(read("HTTP/1.1 200 OK\r\n" + std::string(1 << 20, 'x')) == 200);
}

TEST_CASE("status line: interim responses are skipped with their headers", "[health]") {
    CHECK(read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n") == 200);
    CHECK(read("HTTP/1.1 103 Early Hints\nLink: </x>\n\nHTTP/1.1 100 Continue\n\nHTTP/1.1 500 no\n") == 500);
    CHECK(read("HTTP/1.1 100 Continue\r\n\r\n") == 0);
    CHECK(read("HTTP/1.1 100 Continue\r\n\r\nnonsense\r\n") == -1);
}

TEST_CASE("status line: incomplete before its end", "[health]") {
    CHECK(read("") == 0);
    CHECK(read("HTTP/1.1 200 OK") == 0);
    CHECK(read("HTTP/1.1 200 OK\r") == 0);
}

TEST_CASE("status line: other protocols are recognised by their first bytes", "[health]") {
    CHECK(read("SSH-2.0-OpenSSH_9.2") == -1);
    CHECK(read("HTTQ") == -1);
    CHECK(read("HTTP/1.1\r\n") == -1);
    CHECK(read("HTTP/1.1 2x0 OK\r\n") == -1);
    CHECK(read("HTTP/1.1 2000 OK\r\n") == -1);
    CHECK(read("HTTP/1.1 020 OK\r\n") == -1);
    CHECK(read("HTTP/ 200 OK\r\n") == -1);
    CHECK(read("<html>200</html>") == -1);
}

TEST_CASE("status line: response without end is rejected", "[health]") {
    CHECK(read("HTTP/1.1 200 " + std::string(StatusLineReader::max_line, 'x')) == -1);
    std::string hints = "HTTP/1.1 103 Early Hints\r\n";
    while (hints.size() <= StatusLineReader::max_bytes)
        hints += "Link: </style.css>\r\n";
    CHECK(read(hints) == -1);
}
