#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "protocols/statsd/quantiles.h"
#include "tests/protocols/statsd/limited_memory.h"

using namespace penstock;
using namespace penstock::statsd;

namespace {

Quantiles quantiles_of(const std::vector<double>& values, double weight = 1) {
  Quantiles quantiles;
  for (const double value : values) {
    REQUIRE(quantiles.reserve({&value, 1}, nullptr));
    quantiles.add(value, weight);
  }
  return quantiles;
}

/// Nearest rank, by its definition.
double by_rank(std::vector<double> values, double percent) {
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(percent / 100 * static_cast<double>(values.size()) - 1e-9);
  return values[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

std::vector<double> drawn(std::size_t count, const std::function<double(std::mt19937&)>& draw) {
  std::mt19937 random(7);
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(draw(random));
  return values;
}

constexpr double kPercents[] = {0.1, 1, 10, 25, 50, 75, 90, 95, 99, 99.9};

}  // namespace

TEST_CASE("quantiles: of few values they are exact", "[statsd][quantiles]") {
  Quantiles quantiles = quantiles_of({5, 1, 4, 2, 3, 10, 9, 8, 7, 6});
  CHECK(quantiles.value_at(10) == 1);
  CHECK(quantiles.value_at(50) == 5);
  CHECK(quantiles.value_at(90) == 9);
  CHECK(quantiles.value_at(90.1) == 10);
  CHECK(quantiles.value_at(99) == 10);
  CHECK(quantiles_of({7}).value_at(50) == 7);
}

TEST_CASE("quantiles: a weight counts as so many values", "[statsd][quantiles]") {
  Quantiles quantiles = quantiles_of({1}, 9);
  const double slow = 100;
  REQUIRE(quantiles.reserve({&slow, 1}, nullptr));
  quantiles.add(slow, 1);
  CHECK(quantiles.value_at(90) == 1);
  CHECK(quantiles.value_at(91) == 100);
}

TEST_CASE("quantiles: of many values they are within the relative error", "[statsd][quantiles]") {
  const std::vector<std::vector<double>> all = {
      drawn(10'000, [](auto& r) { return std::uniform_real_distribution<>(0, 1000)(r); }),
      drawn(10'000, [](auto& r) { return std::lognormal_distribution<>(3, 2)(r); }),
      drawn(10'000, [](auto& r) { return std::normal_distribution<>(0, 50)(r); }),
      drawn(10'000, [](auto& r) { return std::floor(std::uniform_real_distribution<>(0, 5)(r)); }),
      drawn(Quantiles::kExact + 1, [](auto& r) { return std::exponential_distribution<>(0.1)(r); }),
      drawn(5000, [](auto& r) { return std::pow(10, std::uniform_real_distribution<>(-8, 8)(r)); }),
  };
  for (const std::vector<double>& values : all) {
    Quantiles quantiles = quantiles_of(values);
    CHECK(quantiles.bytes() <= 2 * LogBins::kMost * sizeof(double));
    for (const double percent : kPercents) {
      CAPTURE(percent, values.front());
      const double exact = by_rank(values, percent);
      CHECK(std::abs(quantiles.value_at(percent) - exact) <=
            std::abs(exact) * Quantiles::kRelativeError * 1.0001);
    }
  }
}

TEST_CASE("quantiles: the order of values does not matter", "[statsd][quantiles]") {
  // 200 decades: far more than the bins hold.
  std::vector<double> values = drawn(3000, [](auto& r) {
    const double magnitude = std::pow(10, std::uniform_real_distribution<>(-100, 100)(r));
    return r() % 3 == 0 ? -magnitude : magnitude;
  });
  values.insert(values.end(), {0.0, -0.0, 1e-300});
  Quantiles drawn_order = quantiles_of(values);
  std::sort(values.begin(), values.end());
  Quantiles rising = quantiles_of(values);
  std::reverse(values.begin(), values.end());
  Quantiles falling = quantiles_of(values);
  CHECK(rising.bytes() <= 2 * LogBins::kMost * sizeof(double));
  for (const double percent : kPercents) {
    CAPTURE(percent);
    CHECK(rising.value_at(percent) == drawn_order.value_at(percent));
    CHECK(falling.value_at(percent) == drawn_order.value_at(percent));
  }
  // What is far from the largest magnitude is inexact, the high percentiles are not.
  CHECK(std::abs(rising.value_at(99) / by_rank(values, 99) - 1) <= Quantiles::kRelativeError);
}

TEST_CASE("quantiles: memory is charged for what is held", "[statsd][quantiles]") {
  test::LimitedMemory memory(1 << 20);
  Quantiles quantiles;
  for (int i = 0; i < 5000; ++i) {
    const double value = i % 2 == 0 ? i * 1.5 : -i;
    REQUIRE(quantiles.reserve({&value, 1}, &memory));
    quantiles.add(value, 1);
    REQUIRE(quantiles.bytes() == memory.used());
  }
}

TEST_CASE("quantiles: without memory nothing changes", "[statsd][quantiles]") {
  test::LimitedMemory memory(Quantiles::kExact * 16);
  Quantiles quantiles;
  std::vector<double> values;
  for (std::size_t i = 0; i < Quantiles::kExact; ++i) values.push_back(1 + double(i));
  REQUIRE(quantiles.reserve(values, &memory));
  for (const double value : values) quantiles.add(value, 1);
  const std::vector<double> wide = {1e-50, 1e50};
  CHECK_FALSE(quantiles.reserve(wide, &memory));
  CHECK(quantiles.value_at(50) == 32);
  CHECK(quantiles.bytes() == memory.used());
}
