#pragma once

#include <string>
#include <string_view>

namespace penstock::test {

/// The entries of a table's keys as the reference (conf/doc/penstock.toml.5.md) has them, in Markdown: what a key is for
/// and its default from the comments of the documented file, its type and values from the loader's own rules.
std::string reference_of(std::string_view table, std::string_view documented_file);

/// `page` with each block between `<!-- keys of TABLE ... -->` and `<!-- end -->` written anew.
std::string with_fresh_reference(std::string_view page, std::string_view documented_file);

}  // namespace penstock::test
