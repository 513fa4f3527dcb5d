#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "protocols/core/batch_writer.h"
#include "protocols/core/now.h"

namespace penstock {

/// Memory that an aggregate may hold, shared with others. Any thread.
struct AggregateMemory {
  virtual ~AggregateMemory() = default;
  /// False: there is none left.
  virtual bool try_take(std::size_t bytes) noexcept = 0;
  /// For what cannot wait: may take more than there is.
  virtual void take(std::size_t bytes) noexcept = 0;
  virtual void give_back(std::size_t bytes) noexcept = 0;
};

/// What a protocol gathers over all connections and sockets of a listener, to give it out from time to time. Its decoders
/// add to it, on any thread; everything here is called by one thread at a time.
struct Aggregate {
  virtual ~Aggregate() = default;

  /// How often it is to be flushed.
  virtual std::chrono::milliseconds interval() const noexcept = 0;

  /// Ends an interval that lasted for `length`: what it holds is what write() gives, what is added from here on is of the
  /// next one. Only when write() has nothing left to give.
  virtual void close(Now now, std::chrono::milliseconds length) = 0;

  /// Adds some events of the closed interval, of about kWriteBytes in all; false: there are no more.
  virtual bool write(BatchWriter& writer) = 0;

  /// How much has found no room in it since the last call.
  virtual std::uint64_t take_refused() noexcept = 0;

  static constexpr std::size_t kWriteBytes = std::size_t{32} << 10;
};

}  // namespace penstock
