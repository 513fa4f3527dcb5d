#include "protocols/forward/digests.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>

#include "protocols/core/check.h"

namespace penstock::forward {

std::string sha512_hex(std::initializer_list<std::string_view> texts) {
  constexpr std::size_t kDigestBytes = 64;
  std::string all;
  for (const std::string_view one : texts) all += one;
  std::array<unsigned char, kDigestBytes> digest{};
  unsigned size = 0;
  PENSTOCK_CHECK(EVP_Digest(all.data(), all.size(), digest.data(), &size, EVP_sha512(), nullptr) ==
                     1 &&
                 size == kDigestBytes);
  OPENSSL_cleanse(all.data(), all.size());
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : digest) (hex += kDigits[byte >> 4]) += kDigits[byte & 0xf];
  return hex;
}

std::string chunk_id(std::string_view message) {
  constexpr int kBytes = 16;
  constexpr std::size_t kDigits = 24;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  PENSTOCK_CHECK(EVP_Digest(message.data(), message.size(), digest.data(), nullptr, EVP_sha256(),
                            nullptr) == 1);
  std::array<unsigned char, kDigits + 1> text{};
  EVP_EncodeBlock(text.data(), digest.data(), kBytes);
  return {text.begin(), text.begin() + kDigits};
}

bool same_digest(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace penstock::forward
