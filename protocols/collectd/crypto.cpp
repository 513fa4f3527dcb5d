#include "protocols/collectd/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <memory>

#include "protocols/core/check.h"

namespace penstock::collectd {
namespace {

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};

const unsigned char* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

template <std::size_t Size>
std::array<unsigned char, Size> digest(const EVP_MD* kind, std::string_view text) {
  std::array<unsigned char, Size> out;
  PENSTOCK_CHECK(EVP_Digest(text.data(), text.size(), out.data(), nullptr, kind, nullptr) == 1);
  return out;
}

}  // namespace

bool is_signed(std::string_view signature, std::string_view bytes, std::string_view password) {
  std::array<unsigned char, kSignatureBytes> expected;
  PENSTOCK_CHECK(HMAC(EVP_sha256(), password.data(), static_cast<int>(password.size()),
                      bytes_of(bytes), bytes.size(), expected.data(), nullptr) != nullptr);
  return CRYPTO_memcmp(expected.data(), signature.data(), expected.size()) == 0;
}

bool decrypt(std::string_view bytes, std::string_view vector, std::string_view password, char* to) {
  const auto key = digest<32>(EVP_sha256(), password);
  const std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context(EVP_CIPHER_CTX_new());
  int written = 0;
  PENSTOCK_CHECK(context != nullptr &&
                 EVP_DecryptInit_ex(context.get(), EVP_aes_256_ofb(), nullptr, key.data(),
                                    bytes_of(vector)) == 1 &&
                 EVP_DecryptUpdate(context.get(), reinterpret_cast<unsigned char*>(to), &written,
                                   bytes_of(bytes), static_cast<int>(bytes.size())) == 1);
  const std::string_view plain(to, bytes.size());
  const auto sum = digest<kChecksumBytes>(EVP_sha1(), plain.substr(kChecksumBytes));
  return CRYPTO_memcmp(sum.data(), plain.data(), sum.size()) == 0;
}

}  // namespace penstock::collectd
