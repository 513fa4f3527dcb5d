#pragma once

#include <cstddef>
#include <string_view>

/// The cryptography of collectd's network plugin, by OpenSSL. Pure; any thread.
namespace penstock::collectd {

inline constexpr std::size_t kSignatureBytes = 32;  ///< HMAC-SHA-256
inline constexpr std::size_t kVectorBytes = 16;     ///< of AES
inline constexpr std::size_t kChecksumBytes = 20;   ///< SHA-1, encrypted with what it stands for

/// `signature`, kSignatureBytes long, is that of `bytes` with `password`. Takes the same time whatever is wrong.
bool is_signed(std::string_view signature, std::string_view bytes, std::string_view password);

/// Decrypts `bytes`, AES-256 in OFB mode with the SHA-256 of `password` as key and a `vector` of kVectorBytes, to `to`,
/// where as many fit. False where what comes out is not as its checksum says, which is its first kChecksumBytes: another
/// password, or other bytes than those that were sent.
bool decrypt(std::string_view bytes, std::string_view vector, std::string_view password, char* to);

}  // namespace penstock::collectd
