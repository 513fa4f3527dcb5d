#include "tests/protocols/compression/compress.h"

#include <zlib.h>
#include <zstd.h>

#include <array>

#include "protocols/core/check.h"

namespace penstock::test {

struct Compressor::State {
  Coding coding;
  z_stream zlib{};
  ZSTD_CCtx* zstd = nullptr;
};

Compressor::Compressor(Coding coding, int window_log, int level)
    : state_(std::make_unique<State>()) {
  state_->coding = coding;
  if (coding == Coding::kZstd) {
    state_->zstd = ZSTD_createCCtx();
    if (window_log != 0) ZSTD_CCtx_setParameter(state_->zstd, ZSTD_c_windowLog, window_log);
    if (level != 0) ZSTD_CCtx_setParameter(state_->zstd, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(state_->zstd, ZSTD_c_checksumFlag, 1);
    return;
  }
  const int bits = (window_log == 0 ? MAX_WBITS : window_log) + (coding == Coding::kGzip ? 16 : 0);
  PENSTOCK_CHECK(deflateInit2(&state_->zlib, level == 0 ? Z_DEFAULT_COMPRESSION : level, Z_DEFLATED,
                              bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
}

Compressor::~Compressor() {
  ZSTD_freeCCtx(state_->zstd);
  if (state_->coding != Coding::kZstd) deflateEnd(&state_->zlib);
}

std::string Compressor::run(std::string_view text, int zlib_flush, int zstd_end) {
  std::string out;
  std::array<char, 4096> piece;
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  z_stream& z = state_->zlib;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  for (bool more = true; more;) {
    std::size_t made = 0;
    if (state_->coding == Coding::kZstd) {
      ZSTD_outBuffer space{piece.data(), piece.size(), 0};
      const std::size_t left =
          ZSTD_compressStream2(state_->zstd, &space, &in, static_cast<ZSTD_EndDirective>(zstd_end));
      PENSTOCK_CHECK(ZSTD_isError(left) == 0);
      made = space.pos;
      more = zstd_end == ZSTD_e_continue ? in.pos != in.size : left != 0;
    } else {
      z.next_out = reinterpret_cast<Bytef*>(piece.data());
      z.avail_out = static_cast<uInt>(piece.size());
      deflate(&z, zlib_flush);
      made = piece.size() - z.avail_out;
      more = z.avail_out == 0;
    }
    out.append(piece.data(), made);
  }
  return out;
}

std::string Compressor::write(std::string_view text) {
  return run(text, Z_NO_FLUSH, ZSTD_e_continue);
}
std::string Compressor::flush() { return run({}, Z_SYNC_FLUSH, ZSTD_e_flush); }
std::string Compressor::send(std::string_view text) {
  std::string bytes = write(text);
  return bytes += flush();
}
std::string Compressor::finish() {
  std::string end = run({}, Z_FINISH, ZSTD_e_end);
  if (state_->coding != Coding::kZstd) deflateReset(&state_->zlib);
  return end;
}

std::string compress(Coding coding, std::string_view text) {
  Compressor one(coding);
  std::string bytes = one.write(text);
  return bytes + one.finish();
}

}  // namespace penstock::test
