#pragma once

#include <string>
#include <string_view>

/// The texts of pickle protocol 0, as CPython's Lib/pickle.py writes them. Pure.
namespace penstock::graphite {

/// What a byte string of Python 2 means, without its quotes: repr()'s `\\`, `\'`, `\"`, `\n`, `\r`, `\t` and `\xHH`. False for
/// any other escape; `text` is then unspecified.
bool decode_repr(std::string_view escaped, std::string& text);

/// What a line in the codec "raw-unicode-escape" means, as UTF-8: `\uHHHH` and `\UHHHHHHHH` are code points, any other byte is
/// the one of its number (ISO 8859-1). False for a surrogate without its other half, a number above U+10FFFF, and where
/// digits are missing; `text` is then unspecified.
bool decode_raw_unicode(std::string_view escaped, std::string& text);

}  // namespace penstock::graphite
