#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

/// What both sides of the handshake of Forward protocol v1 prove themselves with.
namespace penstock::forward {

/// Of the texts behind each other, 128 lower-case hexadecimal digits.
std::string sha512_hex(std::initializer_list<std::string_view> texts);

/// That `host` knows the shared key: of the client in PING, of the server in PONG.
inline std::string key_digest(std::string_view salt, std::string_view host, std::string_view nonce,
                              std::string_view shared_key) {
  return sha512_hex({salt, host, nonce, shared_key});
}

/// That the client knows a user's password.
inline std::string password_digest(std::string_view auth, std::string_view user,
                                   std::string_view password) {
  return sha512_hex({auth, user, password});
}

/// What a chunk is called: 128 bits of the SHA-256 of `message`, in base64. The same message has the same one, after a
/// restart too.
std::string chunk_id(std::string_view message);

/// Takes as long wherever they differ.
bool same_digest(std::string_view a, std::string_view b) noexcept;

}  // namespace penstock::forward
