#include "server/sinks/archive_name.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace penstock {
namespace {

constexpr std::string_view kZstd = ".zst", kUnfinished = ".zst.tmp";
constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::string_view kStampForm =
    ".dddddddd"
    "Tdddddd"
    ".dddddd"
    "Z";
static_assert(kStampForm.size() + kUnfinished.size() == kArchiveSuffixBytes);

std::string_view suffix_of(ArchiveForm form) noexcept {
  switch (form) {
    case ArchiveForm::kPlain: return {};
    case ArchiveForm::kZstd: return kZstd;
    case ArchiveForm::kUnfinished: return kUnfinished;
  }
  return {};
}

ArchiveForm take_form(std::string_view& name) noexcept {
  for (const ArchiveForm form : {ArchiveForm::kUnfinished, ArchiveForm::kZstd}) {
    if (!name.ends_with(suffix_of(form))) continue;
    name.remove_suffix(suffix_of(form).size());
    return form;
  }
  return ArchiveForm::kPlain;
}

std::string stamp(std::int64_t time_us) {
  const auto seconds = static_cast<std::time_t>(time_us / kSecondUs);
  std::tm calendar{};
  gmtime_r(&seconds, &calendar);
  std::array<char, 64> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), ".%Y%m%dT%H%M%S", &calendar);
  std::snprintf(text.data() + size, text.size() - size, ".%06dZ",
                static_cast<int>(time_us % kSecondUs));
  return text.data();
}

bool has_form_of_stamp(std::string_view text) noexcept {
  return std::equal(
      text.begin(), text.end(), kStampForm.begin(), kStampForm.end(),
      [](char c, char form) { return form == 'd' ? c >= '0' && c <= '9' : c == form; });
}

int number(std::string_view digits) noexcept {
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

}  // namespace

std::string archive_name(std::string_view base, std::int64_t time_us, ArchiveForm form) {
  return std::string(base) + stamp(time_us) + std::string(suffix_of(form));
}

std::optional<ArchiveName> parse_archive_name(std::string_view name) {
  ArchiveName archive;
  archive.form = take_form(name);
  if (name.size() <= kStampForm.size()) return {};
  archive.base = name.substr(0, name.size() - kStampForm.size());
  const std::string_view text = name.substr(archive.base.size());
  if (!has_form_of_stamp(text)) return {};
  std::tm calendar{};
  calendar.tm_year = number(text.substr(1, 4)) - 1900;
  calendar.tm_mon = number(text.substr(5, 2)) - 1;
  calendar.tm_mday = number(text.substr(7, 2));
  calendar.tm_hour = number(text.substr(10, 2));
  calendar.tm_min = number(text.substr(12, 2));
  calendar.tm_sec = number(text.substr(14, 2));
  archive.time_us = std::int64_t{timegm(&calendar)} * kSecondUs + number(text.substr(17, 6));
  // The 31st of February is another day to timegm.
  if (archive.time_us < 0 || stamp(archive.time_us) != text) return {};
  return archive;
}

}  // namespace penstock
