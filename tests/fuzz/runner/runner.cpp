// The plain runner of fuzz targets: every file of the corpus as it is, then mutations of them, the same ones
// at every run. If a target aborts, its input is in ./crash-input-NAME.
//     NAME [--mutations N] [--seed N] FILE|FOLDER...
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

namespace {

using Corpus = std::vector<std::string>;

constexpr std::size_t max_input = 1u << 16;

class Mutator {
  public:
    Mutator(const Corpus &corpus, std::uint64_t seed) : corpus_(corpus), random_(seed) {}

    std::string next() {
        auto input = any_of(corpus_);
        for (auto steps = 1 + below(4); steps > 0; --steps)
            step(input);
        input.resize(std::min(input.size(), max_input));
        return input;
    }

  private:
    std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }
    const std::string &any_of(const Corpus &list) { return list[below(list.size())]; }

    void step(std::string &input) {
        const auto at = below(input.size() + 1);
        switch (below(6)) {
        case 0:
            if (at < input.size())
                input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
            break;
        case 1:
            input.insert(at, 1, static_cast<char>(below(256)));
            break;
        case 2:
            input.erase(at, 1 + below(16));
            break;
        case 3:
            input.resize(at);
            break;
        default: // most often: replaces a word of the input by one of the corpus, which preserves the syntax
            replace_word(input, word_of(any_of(corpus_)));
        }
    }

    /// Offset and length of a word: characters other than delimiters.
    std::pair<std::size_t, std::size_t> word_at(const std::string &text) {
        constexpr const char *delimiters = " \n\t,:{}[]\"";
        const auto begin = text.find_first_not_of(delimiters, below(text.size() + 1));
        if (begin == std::string::npos)
            return {0, 0};
        return {begin, std::min(text.find_first_of(delimiters, begin), text.size()) - begin};
    }

    std::string word_of(const std::string &text) {
        const auto [begin, length] = word_at(text);
        return text.substr(begin, length);
    }

    void replace_word(std::string &input, const std::string &word) {
        const auto [begin, length] = word_at(input);
        input.replace(begin, length, word);
    }

    const Corpus &corpus_;
    std::mt19937_64 random_;
};

std::string read_whole(const std::filesystem::path &path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void add_to(Corpus &corpus, const std::filesystem::path &path) {
    if (!std::filesystem::is_directory(path))
        return corpus.push_back(read_whole(path));
    std::vector<std::filesystem::path> files;
    for (const auto &entry : std::filesystem::recursive_directory_iterator(path))
        if (entry.is_regular_file())
            files.push_back(entry.path());
    std::sort(files.begin(), files.end()); // the folder's own order differs from machine to machine
    for (const auto &file : files)
        corpus.push_back(read_whole(file));
}

std::filesystem::path crash_input; // named after the target: others may run concurrently in the same folder

void run(const std::string &input) {
    std::ofstream(crash_input, std::ios::binary)
        .write(input.data(), static_cast<std::streamsize>(input.size()));
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t *>(input.data()), input.size());
}

} // namespace

int main(int argc, char **argv) {
    crash_input = "crash-input-" + std::filesystem::path(argv[0]).filename().string();
    std::uint64_t mutations = 5000, seed = 1;
    Corpus corpus;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (i + 1 < argc && argument == "--mutations")
            mutations = std::strtoull(argv[++i], nullptr, 10);
        else if (i + 1 < argc && argument == "--seed")
            seed = std::strtoull(argv[++i], nullptr, 10);
        else
            add_to(corpus, argument);
    }
    if (corpus.empty()) {
        std::fprintf(stderr, "no corpus: a fuzz run over nothing would find nothing\n");
        return 1;
    }
    for (const auto &input : corpus)
        run(input);
    Mutator mutator(corpus, seed);
    for (std::uint64_t i = 0; i < mutations; ++i)
        run(mutator.next());
    std::filesystem::remove(crash_input);
    std::printf("%zu inputs and %llu mutations of them, seed %llu\n", corpus.size(),
                static_cast<unsigned long long>(mutations), static_cast<unsigned long long>(seed));
}
