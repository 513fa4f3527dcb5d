#include "tests/protocols/collectd/packet.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <bit>

namespace penstock::test {
namespace {

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
char* out(std::string& text) { return text.data(); }

std::string big_endian(std::uint64_t number, unsigned bytes) {
  std::string out;
  while (bytes-- > 0) out += static_cast<char>(number >> (8 * bytes));
  return out;
}

std::string digest(const EVP_MD* kind, std::string_view text, std::size_t size) {
  std::string sum(size, '\0');
  EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out(sum)), nullptr, kind,
             nullptr);
  return sum;
}

}  // namespace

std::string part(std::uint16_t type, std::string_view body) {
  return big_endian(type, 2) + big_endian(body.size() + 4, 2) + std::string(body);
}
std::string number_part(std::uint16_t type, std::uint64_t number) {
  return part(type, big_endian(number, 8));
}
std::string text_part(std::uint16_t type, std::string_view text) {
  return part(type, std::string(text) + '\0');
}

RawValue counter(std::uint64_t value) { return {0, big_endian(value, 8)}; }
RawValue derive(std::int64_t value) {
  return {2, big_endian(static_cast<std::uint64_t>(value), 8)};
}
RawValue absolute(std::uint64_t value) { return {3, big_endian(value, 8)}; }
RawValue gauge(double value) {
  const std::string big = big_endian(std::bit_cast<std::uint64_t>(value), 8);
  return {1, std::string(big.rbegin(), big.rend())};
}

std::string values_part(const std::vector<RawValue>& values) {
  std::string kinds, numbers;
  for (const RawValue& value : values) {
    kinds += static_cast<char>(value.kind);
    numbers += value.bytes;
  }
  return part(0x0006, big_endian(values.size(), 2) + kinds + numbers);
}

std::string cpu_packet() {
  return text_part(0x0000, "web1") + number_part(0x0008, 1441588984ull << 30) +
         number_part(0x0009, 10ull << 30) + text_part(0x0002, "cpu") + text_part(0x0003, "0") +
         text_part(0x0004, "cpu") + text_part(0x0005, "idle") + values_part({derive(1234)});
}

std::string sign(std::string_view parts, std::string_view user, std::string_view password) {
  const std::string covered = std::string(user) + std::string(parts);
  std::string sum(32, '\0');
  HMAC(EVP_sha256(), password.data(), static_cast<int>(password.size()), bytes_of(covered),
       covered.size(), reinterpret_cast<unsigned char*>(out(sum)), nullptr);
  return part(0x0200, sum + std::string(user)) + std::string(parts);
}

std::string encrypt(std::string_view parts, std::string_view user, std::string_view password) {
  const std::string key = digest(EVP_sha256(), password, 32);
  const std::string vector = "0123456789abcdef";
  const std::string plain = digest(EVP_sha1(), parts, 20) + std::string(parts);
  std::string secret(plain.size(), '\0');
  int written = 0;
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex(context, EVP_aes_256_ofb(), nullptr, bytes_of(key), bytes_of(vector));
  EVP_EncryptUpdate(context, reinterpret_cast<unsigned char*>(out(secret)), &written,
                    bytes_of(plain), static_cast<int>(plain.size()));
  EVP_CIPHER_CTX_free(context);
  return part(0x0210, big_endian(user.size(), 2) + std::string(user) + vector + secret);
}

}  // namespace penstock::test
