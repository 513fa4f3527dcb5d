#include "server/sinks/gzip.h"

#include <zlib.h>

#include "protocols/core/check.h"

namespace penstock {

std::string gzip(std::string_view bytes) {
  constexpr int kWindow = 15 + 16;  // the largest, as gzip
  constexpr int kMemory = 8;        // zlib's default
  z_stream stream{};
  PENSTOCK_CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kWindow, kMemory,
                              Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  PENSTOCK_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace penstock
