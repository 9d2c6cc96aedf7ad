#include "controller/guard/mark_users.h"

#include <algorithm>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

#include "controller/guard/diagnostics.h"
#include "controller/util/files.h"

namespace glb::guard {
namespace {

using nlohmann::json;

constexpr const char *keep_bits = "preserve the bits of node.markMask there, or choose other bits for it";

bool is_mark(const json &expression) {
    return expression.is_object() && expression.contains("meta") && expression["meta"].is_object() &&
           expression["meta"].value("key", "") == "mark";
}

/// The operands of {"|": [LEFT, NUMBER]}; the number may be the left one.
struct Operands {
    const json &expression;
    std::uint32_t number;
};
std::optional<Operands> operands_of(const json &expression, const char *operation) {
    if (!expression.contains(operation) || !expression[operation].is_array() ||
        expression[operation].size() != 2)
        return std::nullopt;
    const auto &left = expression[operation][0], &right = expression[operation][1];
    if (right.is_number_unsigned())
        return Operands{left, right.get<std::uint32_t>()};
    if (left.is_number_unsigned())
        return Operands{right, left.get<std::uint32_t>()};
    return std::nullopt;
}

/// The bits in which the expression's value may differ from the packet's mark.
std::uint32_t changed_bits(const json &expression) {
    constexpr std::uint32_t all = 0xffffffff;
    if (is_mark(expression))
        return 0;
    if (!expression.is_object())
        return all;
    if (const auto both = operands_of(expression, "&"))
        return changed_bits(both->expression) | ~both->number;
    for (const auto *operation : {"|", "^"})
        if (const auto both = operands_of(expression, operation))
            return changed_bits(both->expression) | both->number;
    return all; // a constant, the mark of conntrack, a map
}

bool changes_mark(const json &statement, std::uint32_t mask) {
    if (!statement.contains("mangle") || !statement["mangle"].is_object())
        return false;
    const auto &mangle = statement["mangle"];
    return mangle.contains("key") && mangle.contains("value") && is_mark(mangle["key"]) &&
           (changed_bits(mangle["value"]) & mask);
}

/// An extension of iptables that may change a mark. nft does not always name it.
bool is_opaque(const json &statement) {
    if (!statement.contains("xt"))
        return false;
    const auto &extension = statement["xt"];
    const auto name = extension.is_object() ? extension.value("name", "") : "";
    return name.empty() || name == "MARK" || name == "CONNMARK" || name == "TPROXY" || name == "HMARK" ||
           name == "SET";
}

Condition mark_writer(const std::string &where, std::uint32_t mark_mask) {
    return {Severity::warning, "foreign-mark", where,
            fmt::format("changes bits of the packet mark that are the guard's ({:#010x}): packets are "
                        "dropped, or pass as another endpoint's",
                        mark_mask),
            keep_bits};
}

} // namespace

std::vector<Condition> nftables_mark_users(const std::string &ruleset_json, std::uint32_t mark_mask) {
    const auto ruleset = json::parse(ruleset_json, nullptr, false);
    if (!ruleset.is_object() || !ruleset.contains("nftables") || !ruleset["nftables"].is_array())
        return {};
    std::set<std::string> writers, opaque;
    for (const auto &item : ruleset["nftables"]) {
        if (!item.contains("rule") || !item["rule"].contains("expr") || !item["rule"]["expr"].is_array())
            continue;
        const auto &rule = item["rule"];
        const auto table = rule.value("family", "") + " " + rule.value("table", "");
        if (is_own_table(table))
            continue;
        for (const auto &statement : rule["expr"]) {
            if (changes_mark(statement, mark_mask))
                writers.insert(fmt::format("rule {} in chain {} of table {}", rule.value("handle", 0),
                                           rule.value("chain", ""), table));
            if (is_opaque(statement))
                opaque.insert("table " + table);
        }
    }
    std::vector<Condition> conditions;
    for (const auto &where : writers)
        conditions.push_back(mark_writer(where, mark_mask));
    for (const auto &where : opaque)
        conditions.push_back({Severity::warning, "opaque-rules", where,
                              "has rules of iptables that nft does not show; they may change packet marks",
                              keep_bits});
    return conditions;
}

std::vector<Condition> rule_mark_users(const std::vector<Rule> &rules, std::uint32_t mark_mask) {
    std::vector<Condition> conditions;
    for (const auto &rule : rules)
        if (!rule.is_own() && (rule.mask & mark_mask))
            conditions.push_back(
                {Severity::warning, "foreign-mark", rule.to_string(),
                 fmt::format("matches bits of the packet mark that are the guard's ({:#010x})", mark_mask),
                 keep_bits});
    return conditions;
}

std::vector<Condition> filter_mark_users(const std::string &interface, const std::vector<Filter> &filters,
                                         std::uint32_t mark_mask) {
    auto filter = std::ranges::find_if(filters, [](const auto &one) { return one.is_own(); });
    std::vector<Condition> conditions;
    for (; filter != filters.end(); ++filter) {
        if (filter->is_own())
            continue;
        const auto where =
            fmt::format("tc filter on {} ({}, priority {})", interface, filter->kind, filter->priority);
        if (filter->mark.bits & mark_mask)
            conditions.push_back(mark_writer(where, mark_mask));
        else if (filter->mark.is_opaque)
            conditions.push_back({Severity::warning, "opaque-filter", where,
                                  "runs after the guard's filter, and may change packet marks", keep_bits});
    }
    return conditions;
}

std::vector<Condition> legacy_tables() {
    std::vector<Condition> conditions;
    for (const auto *file :
         {"/proc/thread-self/net/ip_tables_names", "/proc/thread-self/net/ip6_tables_names"}) {
        auto names = read_file(file);
        if (!names || names->empty())
            continue;
        for (auto &character : *names)
            character = character == '\n' ? ' ' : character;
        names->erase(names->find_last_not_of(' ') + 1);
        conditions.push_back(
            {Severity::warning, "legacy-iptables", file,
             fmt::format("tables of iptables-legacy are loaded ({}): glb cannot see whether their rules "
                         "change packet marks or drop forwarded packets",
                         *names),
             "use iptables-nft, or check them with iptables-legacy-save"});
    }
    return conditions;
}

} // namespace glb::guard
