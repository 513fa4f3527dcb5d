#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/batch.h"
#include "protocols/core/result.h"
#include "server/queue/origin_table.h"
#include "server/queue/segment.h"

namespace penstock {

/// A batch as it comes back from a segment. Damaged records are not in it.
struct StoredBatch {
  Batch batch;  ///< frames, segments and events in memory of its own; charged to nothing
  std::uint64_t first_record = 0;  ///< as stored, damaged ones included
  std::uint32_t records = 0;
  std::uint32_t damaged = 0;  ///< how many of them do not match their CRC

  std::uint64_t end_record() const noexcept { return first_record + records; }
};

/// The form of a batch behind its header (segment.h):
///
///     table   = origins u32, (listener text, url text)*, segments u32, segment*, record*
///     segment = origin u32, records u32, lines u8, kind u8, port u16, scope u32, address[16], pid i32, uid u32, gid u32,
///               time_ns i64
///     record  = size u32 (flags in its seven high bits), crc u32, with kHasEvents event_bytes u32 between them
///     data    = frames, each with a LF behind it where its segment's `lines` is not 0; then events (field_writer.h)
///     crc     = CRC32C of epoch, record id, size, event_bytes, frame (with its LF) and event
///
/// A record's CRC stands in the table, so that a damaged record costs no other one.
///
/// Appends the frames of `batch` that lie in [first, first + count), all of them with ids from `first_record` on.
void append_batch(std::string& out, const Batch& batch, std::size_t first, std::size_t count,
                  std::uint64_t epoch, std::uint64_t first_record);

/// Reads back what stands behind `header` (total_bytes less the header's own), which is taken over as the batch's block.
/// Fails where the table is damaged: then nothing of the batch can be told apart.
Result<StoredBatch> decode_batch(const BatchHeader& header, std::uint64_t epoch,
                                 std::shared_ptr<Block> body, OriginTable& origins);

}  // namespace penstock
