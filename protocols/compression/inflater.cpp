#include "protocols/compression/inflater.h"

#include "protocols/compression/zlib_inflater.h"
#include "protocols/compression/zstd_inflater.h"
#include "protocols/core/check.h"

namespace penstock {

std::unique_ptr<Inflater> make_inflater(Coding coding) {
  PENSTOCK_CHECK(coding != Coding::kPlain);
  if (coding == Coding::kZstd) return std::make_unique<ZstdInflater>();
  return std::make_unique<ZlibInflater>(coding);
}

}  // namespace penstock
