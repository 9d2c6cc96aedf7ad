#include "cli/table.h"

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <memory>
#include <new>

#include <libsmartcols/libsmartcols.h>

namespace glb::cli {

namespace {

using Handle = std::unique_ptr<libscols_table, decltype(&scols_unref_table)>;

/// libsmartcols measures text by the locale. The output is UTF-8 in every locale.
class Utf8Locale {
  public:
    Utf8Locale()
        : utf8_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)),
          previous_(utf8_ ? ::uselocale(utf8_) : nullptr) {}
    ~Utf8Locale() {
        if (!utf8_)
            return;
        ::uselocale(previous_);
        ::freelocale(utf8_);
    }
    Utf8Locale(const Utf8Locale &) = delete;
    Utf8Locale &operator=(const Utf8Locale &) = delete;

  private:
    locale_t utf8_;
    locale_t previous_;
};

template <typename T>
T *allocated(T *pointer) {
    if (!pointer)
        throw std::bad_alloc();
    return pointer;
}

Handle make_table(const std::vector<Column> &columns, bool colour) {
    Handle table(allocated(scols_new_table()), scols_unref_table);
    scols_table_set_termforce(table.get(),
                              SCOLS_TERMFORCE_NEVER); // or it would cut columns at the terminal's width
    scols_table_set_column_separator(table.get(), "  ");
    scols_table_enable_minout(table.get(), 1);
    scols_table_enable_noencoding(table.get(), 1); // cells are sanitized
    scols_table_enable_colors(table.get(), colour);
    for (const auto &[title, align] : columns) {
        auto *column = allocated(scols_table_new_column(table.get(), title.c_str(), 0,
                                                        align == Align::right ? SCOLS_FL_RIGHT : 0));
        scols_cell_set_color(scols_column_get_header(column), escape_sequence(Style::dim));
    }
    return table;
}

} // namespace

std::string Table::text(bool colour) const {
    const Utf8Locale locale;
    const auto table = make_table(columns_, colour);
    const auto add_line = [&](const std::vector<Cell> &row) {
        auto *line = allocated(scols_table_new_line(table.get(), nullptr));
        for (std::size_t i = 0; i < std::min(row.size(), columns_.size()); ++i) {
            scols_line_set_data(line, i, sanitize(row[i].text).c_str());
            if (row[i].style != Style::plain)
                scols_cell_set_color(scols_line_get_cell(line, i), escape_sequence(row[i].style));
        }
    };
    for (const auto &row : rows_)
        add_line(row);
    if (rows_.empty())
        add_line({}); // libsmartcols prints titles only with a line below them

    char *printed = nullptr;
    if (scols_print_table_to_string(table.get(), &printed) != 0)
        throw std::bad_alloc();
    const std::unique_ptr<char, decltype(&std::free)> owner(printed, std::free);
    std::string out = printed;
    if (rows_.empty())
        out.resize(out.find('\n'));
    return out + '\n';
}

} // namespace glb::cli
