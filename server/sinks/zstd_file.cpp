#include "server/sinks/zstd_file.h"

#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

namespace penstock {
namespace {

constexpr int kLevel = 3;
constexpr std::size_t kChunkBytes = std::size_t{128} << 10;
constexpr std::int64_t kSyncEveryBytes = std::int64_t{8} << 20;

/// Reads a file from its beginning in chunks.
class ChunkReader {
 public:
  ChunkReader(FileOps& files, int fd) : files_(files), fd_(fd), buffer_(new char[kChunkBytes]) {}

  /// The next chunk, at most `most` bytes; empty at the end or with error() set.
  std::string_view next(std::int64_t most = kChunkBytes) {
    const auto size = static_cast<std::size_t>(std::min<std::int64_t>(most, kChunkBytes));
    std::int64_t n = -EINTR;
    while (n == -EINTR) n = files_.pread(fd_, buffer_.get(), size, offset_);
    if (n < 0) error_ = static_cast<int>(n);
    if (n <= 0) return {};
    offset_ += n;
    return {buffer_.get(), static_cast<std::size_t>(n)};
  }
  std::int64_t offset() const noexcept { return offset_; }
  int error() const noexcept { return error_; }

 private:
  FileOps& files_;
  int fd_;
  std::unique_ptr<char[]> buffer_;
  std::int64_t offset_ = 0;
  int error_ = 0;
};

/// Writes behind one another and syncs now and then.
class SyncedWriter {
 public:
  SyncedWriter(FileOps& files, int fd) : files_(files), fd_(fd) {}

  int write(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::int64_t n = files_.write(fd_, bytes.data(), bytes.size());
      if (n == -EINTR) continue;
      if (n <= 0) return n == 0 ? -ENOSPC : static_cast<int>(n);
      bytes.remove_prefix(static_cast<std::size_t>(n));
      unsynced_ += n;
    }
    return unsynced_ < kSyncEveryBytes ? 0 : sync();
  }
  int sync() {
    unsynced_ = 0;
    int result = -EINTR;
    while (result == -EINTR) result = files_.fdatasync(fd_);
    return result == -EINVAL || result == -EROFS ? 0 : result;  // a file system without sync
  }

 private:
  FileOps& files_;
  int fd_;
  std::int64_t unsynced_ = 0;
};

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

// Feeds `input` to the frame; with `end` until it is complete.
int pack(ZSTD_CCtx* context, std::string_view input, ZSTD_EndDirective how, SyncedWriter& writer,
         char* out) {
  ZSTD_inBuffer in{input.data(), input.size(), 0};
  for (;;) {
    ZSTD_outBuffer packed{out, kChunkBytes, 0};
    const std::size_t left = ZSTD_compressStream2(context, &packed, &in, how);
    if (ZSTD_isError(left) != 0) return -ENODATA;  // other than the size that was promised
    if (const int result = writer.write({out, packed.pos}); result < 0) return result;
    if (how == ZSTD_e_end ? left == 0 : in.pos == in.size) return 0;
  }
}

}  // namespace

int compress_file(FileOps& files, int from, std::int64_t size, int to,
                  const std::atomic<bool>& stop) {
  const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  if (context == nullptr) return -ENOMEM;
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  ZSTD_CCtx_setPledgedSrcSize(context.get(), static_cast<unsigned long long>(size));
  const std::unique_ptr<char[]> out(new char[kChunkBytes]);
  ChunkReader reader(files, from);
  SyncedWriter writer(files, to);
  while (reader.offset() < size) {
    if (stop.load()) return -ECANCELED;
    const std::string_view chunk = reader.next(size - reader.offset());
    if (chunk.empty()) return reader.error() < 0 ? reader.error() : -ENODATA;
    const int result = pack(context.get(), chunk, ZSTD_e_continue, writer, out.get());
    if (result < 0) return result;
  }
  const int result = pack(context.get(), {}, ZSTD_e_end, writer, out.get());
  return result < 0 ? result : writer.sync();
}

int unpacks_to(FileOps& files, int packed, int plain, const std::atomic<bool>& stop) {
  const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  if (context == nullptr) return -ENOMEM;
  const std::unique_ptr<char[]> out(new char[kChunkBytes]);
  ChunkReader reader(files, packed), expected(files, plain);
  std::size_t left = 0;  // 0 only between frames
  for (std::string_view chunk = reader.next(); !chunk.empty(); chunk = reader.next()) {
    ZSTD_inBuffer in{chunk.data(), chunk.size(), 0};
    for (bool full = false; in.pos < in.size || full;) {
      if (stop.load()) return -ECANCELED;
      ZSTD_outBuffer unpacked{out.get(), kChunkBytes, 0};
      left = ZSTD_decompressStream(context.get(), &unpacked, &in);
      if (ZSTD_isError(left) != 0) return 0;
      full = unpacked.pos == unpacked.size && left != 0;
      for (std::string_view rest(out.get(), unpacked.pos); !rest.empty();) {
        const std::string_view want = expected.next(static_cast<std::int64_t>(rest.size()));
        if (expected.error() < 0) return expected.error();
        if (want.empty() || !rest.starts_with(want)) return 0;
        rest.remove_prefix(want.size());
      }
    }
  }
  if (reader.error() < 0) return reader.error();
  const bool all = left == 0 && reader.offset() > 0 && expected.next().empty();
  return expected.error() < 0 ? expected.error() : static_cast<int>(all);
}

}  // namespace penstock
