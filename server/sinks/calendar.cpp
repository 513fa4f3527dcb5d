#include "server/sinks/calendar.h"

#include <array>

namespace penstock {

std::tm calendar_of(std::int64_t seconds, config::TimeZone zone) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm calendar{};
  if (zone == config::TimeZone::kLocal) {
    localtime_r(&time, &calendar);
  } else {
    gmtime_r(&time, &calendar);
    calendar.tm_zone = "UTC";  // glibc says GMT
  }
  return calendar;
}

void append_time(std::string& out, const std::string& conversion, std::int64_t seconds,
                 const std::tm& calendar) {
  if (conversion.back() == 's') {  // strftime's %s reads the calendar as local time
    out += std::to_string(seconds);
    return;
  }
  std::array<char, 128> text{};
  out.append(text.data(), std::strftime(text.data(), text.size(), conversion.c_str(), &calendar));
}

}  // namespace penstock
