#include "server/net/unix_socket_file.h"

#include <grp.h>
#include <sys/file.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/net/address_support.h"
#include "tests/support/files.h"

using namespace penstock;
using namespace penstock::test;

namespace {

int type_of(const std::string& scheme) {
  return scheme == "unix" ? SOCK_STREAM : scheme == "unixgram" ? SOCK_DGRAM : SOCK_SEQPACKET;
}

/// What a crashed server leaves.
void leave_stale(const std::string& path, int type) {
  foreign_server(path, type, type != SOCK_DGRAM);
}

}  // namespace

TEST_CASE("a unix path is bound, serves, and is gone at the end; the lock file stays", "[unix]") {
  const std::string scheme = GENERATE("unix", "unixgram", "unixpacket");
  CAPTURE(scheme);
  const SharedDir dir;
  const std::string path = dir / "s";
  {
    auto sockets = open_url(scheme + "://" + path);
    REQUIRE(sockets);
    const BoundSocket& socket = sockets->front();
    CHECK(socket.url == scheme + "://" + path);
    CHECK(int_option(socket.fd.get(), SOL_SOCKET, SO_PASSCRED) == (scheme == "unixgram" ? 1 : 0));
    CHECK((status_of(path).st_mode & 07777) == 0660);
    REQUIRE(start_listening(socket, 0));
    CHECK(try_connect(path, type_of(scheme)) == 0);
    CHECK(dir.list() == "s s.lock");
    CHECK((status_of(path + ".lock").st_mode & 07777) == 0600);
    CHECK(lock_holder(path) == getpid());
  }
  CHECK(dir.list() == "s.lock");
  CHECK_FALSE(lock_holder(path));
  CHECK(bind_message(scheme + "://" + path) == "bound");
}

TEST_CASE("a stale socket of any type is replaced", "[unix]") {
  const std::string scheme = GENERATE("unix", "unixgram", "unixpacket");
  const int left = GENERATE(SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET);
  const SharedDir dir;
  leave_stale(dir / "s", left);
  CHECK(examine_socket_path(dir / "s").state == PathState::kStale);
  CHECK(bind_message(scheme + "://" + dir / "s") == "bound");
}

TEST_CASE("a live server of any type is refused, sees no connection, and nothing is touched",
          "[unix]") {
  const std::string scheme = GENERATE("unix", "unixgram", "unixpacket");
  const int type = GENERATE(SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET);
  const bool listening = GENERATE(false, true);
  if (type == SOCK_DGRAM && listening) return;
  CAPTURE(scheme, type, listening);
  const SharedDir dir;
  const std::string path = dir / "s";
  const UniqueFd server = foreign_server(path, type, listening);
  const ino_t inode = status_of(path).st_ino;
  const std::string message = bind_message(scheme + "://" + path);
  CHECK(message.rfind("bind " + scheme + "://" + path + ": a live server holds it (by pid " +
                          std::to_string(getpid()),
                      0) == 0);
  CHECK(dir.list() == "s");
  CHECK(status_of(path).st_ino == inode);
  if (listening) {
    ::fcntl(server.get(), F_SETFL, O_NONBLOCK);
    CHECK(::accept(server.get(), nullptr, nullptr) == -1);
  }
}

TEST_CASE("a live unixgram server that is connected elsewhere is still alive", "[unix]") {
  const SharedDir dir;
  const UniqueFd peer = foreign_server(dir / "peer", SOCK_DGRAM, false);
  const UniqueFd server = foreign_server(dir / "s", SOCK_DGRAM, false);
  const sockaddr_un to = unix_name(dir / "peer");
  REQUIRE(::connect(server.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  CHECK(examine_socket_path(dir / "s").state == PathState::kLive);
}

TEST_CASE("what is not a socket is refused and left alone", "[unix]") {
  const SharedDir dir;
  const std::string path = dir / "s";
  const std::string kind = GENERATE("regular file", "directory", "FIFO", "symbolic link");
  if (kind == "regular file") write_file(path, "precious");
  if (kind == "directory") ::mkdir(path.c_str(), 0755);
  if (kind == "FIFO") ::mkfifo(path.c_str(), 0644);
  if (kind == "symbolic link") REQUIRE(::symlink("/nowhere", path.c_str()) == 0);
  const auto before = status_of(path);
  CHECK(bind_message("unix://" + path) == "bind unix://" + path + ": " + path + " is a " + kind +
                                              ", not a socket, and is left alone");
  CHECK(status_of(path).st_ino == before.st_ino);
  CHECK(status_of(path).st_mode == before.st_mode);
  CHECK(dir.list() == "s");
}

TEST_CASE("a symbolic link to a stale socket is not followed", "[unix]") {
  const SharedDir dir;
  leave_stale(dir / "real", SOCK_STREAM);
  REQUIRE(::symlink("real", (dir / "s").c_str()) == 0);
  CHECK(bind_message("unix://" + dir / "s").find("is a symbolic link, not a socket") !=
        std::string::npos);
  CHECK(dir.list() == "real s");
}

TEST_CASE("the directory must exist and is not made", "[unix]") {
  const SharedDir dir;
  const std::string path = dir / "no/such/s";
  CHECK(bind_message("unix://" + path) ==
        "bind unix://" + path + ": directory " + dir / "no/such" + " does not exist");
  CHECK(dir.list().empty());
  write_file(dir / "file", "");
  CHECK(bind_message("unix://" + dir / "file/s") ==
        "bind unix://" + dir / "file/s" + ": " + dir / "file" + " is not a directory");
  CHECK(bind_message("unix://./no-such-folder/s") ==
        "bind unix://./no-such-folder/s: directory ./no-such-folder does not exist");
}

TEST_CASE("a held lock means another Penstock, even before its socket is there", "[unix]") {
  const SharedDir dir;
  const std::string path = dir / "s";
  auto lock = lock_socket_path(path);
  REQUIRE(lock);
  const std::string message = "bind unix://" + path + ": another Penstock listens there (pid " +
                              std::to_string(getpid()) + "): it holds " + path + ".lock";
  CHECK(bind_message("unix://" + path) == message);
  leave_stale(path, SOCK_STREAM);
  CHECK(bind_message("unix://" + path) == message);
  const UniqueFd server = [&] {
    ::unlink(path.c_str());
    return foreign_server(path, SOCK_STREAM, true);
  }();
  CHECK(bind_message("unix://" + path) == message);
  CHECK(try_connect(path, SOCK_STREAM) == 0);
}

TEST_CASE("the lock file is never followed through a link, nor taken where it is no file",
          "[unix]") {
  const SharedDir dir;
  write_file(dir / "victim", "x");
  REQUIRE(::symlink("victim", (dir / "s.lock").c_str()) == 0);
  CHECK(bind_message("unix://" + dir / "s")
            .find("lock file " + dir / "s.lock" + ": too many levels") != std::string::npos);
  REQUIRE(::mkfifo((dir / "t.lock").c_str(), 0600) == 0);
  CHECK(bind_message("unix://" + dir / "t") ==
        "bind unix://" + dir / "t" + ": lock file " + dir / "t.lock" + " is not a regular file");
  CHECK(dir.list() == "s.lock t.lock victim");
}

TEST_CASE("a stranger's socket at the path is left alone at the end", "[unix]") {
  const SharedDir dir;
  const std::string path = dir / "s";
  auto sockets = open_url("unix://" + path);
  REQUIRE(sockets);
  REQUIRE(::unlink(path.c_str()) == 0);
  // The number of our inode is not given away while the object lives, whatever closes first.
  sockets->front().fd.reset();
  const UniqueFd stranger = foreign_server(path, SOCK_STREAM, true);
  sockets->clear();
  CHECK(try_connect(path, SOCK_STREAM) == 0);
  CHECK(dir.list() == "s s.lock");
}

TEST_CASE(
    "remove may be repeated, moved-from objects remove nothing, and the lock is held to the end",
    "[unix]") {
  const SharedDir dir;
  const std::string path = dir / "s";
  auto sockets = open_url("unix://" + path);
  REQUIRE(sockets);
  {
    UnixSocketFile moved = std::move(sockets->front().file);
    sockets->clear();
    CHECK(dir.list() == "s s.lock");
    moved.remove();
    moved.remove();
    CHECK(dir.list() == "s.lock");
    CHECK(lock_holder(path) == getpid());
    write_file(path, "mine");
    moved.remove();
  }
  CHECK(dir.list() == "s s.lock");
  CHECK_FALSE(lock_holder(path));
}

TEST_CASE("mode and owner are as asked whatever the umask, and no wider mode shows before",
          "[unix]") {
  const SharedDir dir;
  const std::string path = dir / "s";
  const mode_t old = ::umask(0);
  std::atomic<bool> done{false};
  std::atomic<unsigned> seen{0};
  // Watches for any right that was never asked for, and for rights before the owner is right.
  std::thread watcher([&] {
    struct stat status {};
    while (!done) {
      if (::lstat(path.c_str(), &status) != 0) continue;
      seen |= status.st_mode & 0777 & ~0620u;
      if ((status.st_mode & 0777) != 0 && ::geteuid() == 0 && status.st_uid != kNobody)
        seen |= 01000;
    }
  });
  BindOptions options{.mode = 0620};
  if (::geteuid() == 0) {
    options.owner = "65534";
    options.group = "65534";
  }
  for (int round = 0; round < 200; ++round) {
    auto sockets = open_url("unixgram://" + path, options);
    REQUIRE(sockets);
    const auto status = status_of(path);
    CHECK((status.st_mode & 07777) == 0620);
    if (::geteuid() == 0) CHECK((status.st_uid == kNobody && status.st_gid == kNobody));
  }
  done = true;
  watcher.join();
  ::umask(old);
  CHECK(seen == 0);
}

TEST_CASE("a mode wider than the umask allows is given all the same", "[unix]") {
  const SharedDir dir;
  const mode_t old = ::umask(077);
  auto sockets = open_url("unix://" + dir / "s", {.mode = 0666});
  ::umask(old);
  REQUIRE(sockets);
  CHECK((status_of(dir / "s").st_mode & 07777) == 0666);
}

TEST_CASE("an unknown owner or group is refused before anything is made", "[unix]") {
  const SharedDir dir;
  const std::string url = "unix://" + dir / "s";
  CHECK(bind_message(url, {.owner = "no-such-user"}) ==
        "bind " + url + ": no such user \"no-such-user\"");
  CHECK(bind_message(url, {.group = "no-such-group"}) ==
        "bind " + url + ": no such group \"no-such-group\"");
  CHECK(bind_message(url, {.owner = "4294967295"}) ==
        "bind " + url + ": no such user \"4294967295\"");
  CHECK(dir.list().empty());
}

TEST_CASE("an ordinary user: own folder works, a foreign owner does not and leaves no socket",
          "[unix]") {
  const SharedDir dir;
  const std::string url = "unix://" + dir / "s";
  CHECK(in_child(kNobody, [&] { return bind_message(url); }) == "bound");
  CHECK(dir.list() == "s.lock");
  if (::geteuid() != 0) return;
  CHECK(in_child(kNobody, [&] { return bind_message(url, {.owner = "root"}); }) ==
        "bind " + url + ": set owner and group: operation not permitted");
  CHECK(dir.list() == "s.lock");
}

TEST_CASE("an ordinary user in a folder of root's", "[unix]") {
  if (::geteuid() != 0) return;
  const SharedDir dir;
  ::chmod(dir.path().c_str(), 0755);
  const std::string url = "unix://" + dir / "s";
  CHECK(in_child(kNobody, [&] { return bind_message(url); }) ==
        "bind " + url + ": lock file " + dir / "s.lock" + ": permission denied");
  CHECK(dir.list().empty());
}

TEST_CASE("a lock file that another user's run has left is told with its owner", "[unix]") {
  if (::geteuid() != 0) return;
  const SharedDir dir;
  const std::string url = "unix://" + dir / "s";
  REQUIRE(bind_message(url) == "bound");
  REQUIRE(dir.list() == "s.lock");
  const std::string told = "lock file " + dir / "s.lock" +
                           ": permission denied, it belongs to root: remove it, or chown it to ";
  CHECK(in_child(kNobody, [&] {
          return bind_message(url);
        }).starts_with("bind " + url + ": " + told));
  CHECK(in_child(kNobody, [&] { return lock_trouble(dir / "s"); }).starts_with(told));
  CHECK(lock_trouble(dir / "s").empty());
  CHECK((status_of(dir / "s.lock").st_mode & 07777) == 0600);
  REQUIRE(::chown((dir / "s.lock").c_str(), kNobody, static_cast<gid_t>(-1)) == 0);
  CHECK(in_child(kNobody, [&] { return bind_message(url); }) == "bound");
}

TEST_CASE("a lock file of another user whose Penstock runs is not told to be removed", "[unix]") {
  if (::geteuid() != 0) return;
  const SharedDir dir;
  const std::string url = "unix://" + dir / "s";
  const auto running = open_url(url, {.mode = 0666});
  REQUIRE(running);
  CHECK(in_child(kNobody, [&] { return bind_message(url); }) ==
        "bind " + url + ": another Penstock listens there (pid " + std::to_string(getpid()) +
            "): it holds " + dir / "s.lock");
}

TEST_CASE("an ordinary user does not replace a socket that it may not ask", "[unix]") {
  if (::geteuid() != 0) return;
  const SharedDir dir;
  leave_stale(dir / "s", SOCK_STREAM);
  ::chmod((dir / "s").c_str(), 0600);
  CHECK(in_child(kNobody, [&] { return bind_message("unix://" + dir / "s"); }) ==
        "bind unix://" + dir / "s" +
            ": cannot tell whether a server holds it: permission denied, remove the file by hand "
            "if none does");
  CHECK(dir.list() == "s");
}

TEST_CASE("what a start killed between bind and chmod leaves is replaced, also as an ordinary user",
          "[unix]") {
  const SharedDir dir;
  CHECK(in_child(kNobody, [&] {
          leave_stale(dir / "s", SOCK_STREAM);
          ::chmod((dir / "s").c_str(), 0);
          return bind_message("unix://" + dir / "s");
        }) == "bound");
}

TEST_CASE("a relative path is removed even after a change of directory", "[unix]") {
  const SharedDir dir;
  CHECK(in_child(::geteuid(), [&] {
          if (::chdir(dir.path().c_str()) != 0) return std::string("chdir");
          auto sockets = open_url("unix://./r");
          if (!sockets) return sockets.error().message;
          const std::string url = sockets->front().url;
          if (::chdir("/") != 0) return std::string("chdir");
          sockets->clear();
          return url;
        }) == "unix://./r");
  CHECK(dir.list() == "r.lock");
}

TEST_CASE("a path of 107 bytes is bound whole", "[unix]") {
  const SharedDir dir;
  const std::string path = dir.path() + '/' + std::string(107 - dir.path().size() - 1, 'p');
  REQUIRE(path.size() == 107);
  const auto sockets = open_url("unix://" + path);
  REQUIRE(sockets);
  CHECK(sockets->front().url == "unix://" + path);
  CHECK(S_ISSOCK(status_of(path).st_mode));
}

TEST_CASE("of many that start at once on a stale path exactly one gets it", "[unix]") {
  const SharedDir dir;
  const std::string url = "unix://" + dir / "s";
  for (int round = 0; round < 15; ++round) {
    leave_stale(dir / "s", SOCK_STREAM);
    std::atomic<int> bound{0};
    std::atomic<int> finished{0};
    std::vector<std::thread> starters;
    for (int i = 0; i < 4; ++i) {
      starters.emplace_back([&] {
        const auto sockets = open_url(url);
        bound += sockets ? 1 : 0;
        ++finished;
        while (finished < 4) std::this_thread::yield();  // the winner keeps it until all have tried
      });
    }
    for (std::thread& starter : starters) starter.join();
    REQUIRE(bound == 1);
    REQUIRE(dir.list() == "s.lock");
  }
}
