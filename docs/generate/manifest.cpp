#include <fmt/format.h>

#include <vector>

#include "docs/generate/pages.h"

namespace glb::reference {

namespace {

using json = nlohmann::ordered_json;

class ManifestPage {
  public:
    explicit ManifestPage(const json &schema) : schema_(schema) {}

    std::string text() {
        section("Manifest document", "", schema_);
        return std::move(out_);
    }

  private:
    /// Appends a table of the members of `object`, then one section for each member that is an object or a
    /// list of objects.
    void section(const std::string &title, const std::string &path, const json &object) {
        out_ += fmt::format("\n## {}\n\n", title);
        if (!path.empty())
            out_ += object.value("description", "") + "\n\n";
        out_ += "| member | values | default | meaning |\n|---|---|---|---|\n";
        std::vector<std::string> deeper;
        for (const auto &[name, member] : object["properties"].items()) {
            row(object, name, member);
            if (object_in(member) != nullptr)
                deeper.push_back(name);
        }
        for (const auto &name : deeper) {
            const auto &member = object["properties"][name];
            const auto below =
                (path.empty() ? "" : path + '.') + name + (member["type"] == "array" ? "[]" : "");
            section(fmt::format("`{}`", below), below, *object_in(member));
        }
    }

    static const json *object_in(const json &member) {
        if (member.contains("properties"))
            return &member;
        return member.contains("items") && member["items"].contains("properties") ? &member["items"]
                                                                                  : nullptr;
    }

    void row(const json &object, const std::string &name, const json &member) {
        out_ += fmt::format("| `{}` | {} | {} | {}{} |\n", name, cell(values_of(member)),
                            default_of(object, name, member), cell(member.value("description", "")),
                            not_yet(member));
    }

    static std::string default_of(const json &object, const std::string &name, const json &member) {
        if (object.contains("required"))
            for (const auto &required : object["required"])
                if (required == name)
                    return "required";
        if (!member.contains("default"))
            return "";
        const auto &value = member["default"];
        return value.is_array()
                   ? "none"
                   : fmt::format("`{}`", value.is_string() ? value.get<std::string>() : value.dump());
    }

    std::string values_of(const json &member) const {
        if (member.contains("x-values"))
            return member["x-values"];
        if (member.contains("$ref"))
            return values_of(schema_.at(json::json_pointer(member["$ref"].get<std::string>().substr(1))));
        if (member.contains("allOf"))
            return values_of(member["allOf"][0]);
        if (member.contains("enum"))
            return choices(member["enum"]);
        if (object_in(member) == &member)
            return "object, see below";
        if (member.value("type", "") == "array")
            return object_in(member) != nullptr ? "list of objects, see below"
                                                : "list: " + values_of(member["items"]);
        if (member.contains("minimum") && member["minimum"] == member["maximum"])
            return member["minimum"].dump();
        return member.contains("minimum")
                   ? fmt::format("{} to {}", member["minimum"].dump(), member["maximum"].dump())
                   : "";
    }

    static std::string choices(const json &values) {
        std::string out;
        for (const auto &value : values)
            out += fmt::format("{}`{}`", out.empty() ? "" : ", ", value.get<std::string>());
        return out;
    }

    static std::string not_yet(const json &member) {
        const auto mark = member.find("x-not-yet");
        if (mark == member.end())
            return "";
        return mark->is_array() ? fmt::format(" Not yet supported: {}.", choices(*mark))
                                : " Not yet supported.";
    }

    /// Escapes `|`, which separates cells.
    static std::string cell(std::string text) {
        for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
            text.insert(at, "\\");
        return text;
    }

    const json &schema_;
    std::string out_;
};

} // namespace

std::string manifest_page(const json &schema) {
    return "# Manifest\n\n"
           "<!-- Generated from deploy/schema/manifest.schema.json: build the target \"reference\". -->\n\n"
           "The manifest is the complete configuration of a node, a single JSON document.\n"
           "`glbctl check FILE` reports all errors, each with its JSON pointer. `glbctl apply FILE`\n"
           "activates the manifest as a whole, or not at all. Unknown and duplicate members are errors.\n"
           "Examples are in `deploy/examples`.\n" +
           ManifestPage(schema).text();
}

} // namespace glb::reference
