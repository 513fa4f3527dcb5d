/* floor - what the machine can do when nothing but the copying is done: the bench's measure of the possible.
 *
 * floor PROTO ADDR OUT [frame] [mmsg]
 *   PROTO tcp|udp|unix|unixgram|unixpacket; ADDR port number or socket path; OUT file to write
 *   frame streams: whole lines only - the cut-off tail of a read waits for the rest of its line, so that lines of
 *         different connections never mix: the floor of a correct newline listener
 *   mmsg  datagrams: recvmmsg, up to 256 a call, one write a batch
 *   scan  also count the newlines
 * One thread, epoll, one shared 1 MiB buffer. Ends on SIGTERM and prints counts.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BUF (1 << 20)
#define VLEN 256
#define SLOT 2048

static volatile sig_atomic_t stop;
static void on_term(int s) { (void)s; stop = 1; }
static void die(const char *m) { perror(m); exit(2); }

static int out = -1, scan, frame;
static uint64_t bytes, lines, msgs;

static void put(const char *p, size_t n) {
  if (scan)
    for (const char *q = p, *e = p + n; (q = memchr(q, '\n', (size_t)(e - q))); q++) lines++;
  bytes += n;
  while (out >= 0 && n) {
    ssize_t w = write(out, p, n);
    if (w < 0) { if (errno == EINTR) continue; die("write"); }
    p += w;
    n -= (size_t)w;
  }
}

/* The unfinished line of each connection, by descriptor. */
struct tail { char *p; size_t n, cap; };
static struct tail tails[65536];

static void keep(struct tail *t, const char *p, size_t n) {
  if (t->n + n > t->cap) {
    t->cap = (t->n + n) * 2;
    if (!(t->p = realloc(t->p, t->cap))) die("realloc");
  }
  memcpy(t->p + t->n, p, n);
  t->n += n;
}

/* buf has room for a kept tail in front of the n bytes at p. */
static void put_lines(int fd, char *p, size_t n) {
  struct tail *t = &tails[fd];
  char *last = memrchr(p, '\n', n);
  if (!last) { keep(t, p, n); return; }
  size_t whole = (size_t)(last + 1 - p), rest = n - whole, lead = t->n;
  if (lead) memcpy(p - lead, t->p, lead);
  t->n = 0;
  if (rest) keep(t, last + 1, rest);
  put(p - lead, whole + lead);
}

int main(int argc, char **argv) {
  if (argc < 4) { fputs("usage: floor PROTO ADDR OUT|- [frame] [mmsg] [scan]\n", stderr); return 1; }
  const char *proto = argv[1], *addr = argv[2];
  int mmsg = 0;
  for (int i = 4; i < argc; i++) {
    if (!strcmp(argv[i], "scan")) scan = 1;
    if (!strcmp(argv[i], "mmsg")) mmsg = 1;
    if (!strcmp(argv[i], "frame")) frame = scan = 1;
  }
  struct sigaction sa = {0};
  sa.sa_handler = on_term;
  sigaction(SIGTERM, &sa, NULL);
  sigaction(SIGINT, &sa, NULL);
  if (strcmp(argv[3], "-") && (out = open(argv[3], O_WRONLY | O_CREAT | O_APPEND, 0644)) < 0) die(argv[3]);

  int un = !strncmp(proto, "unix", 4);
  int type = !strcmp(proto, "tcp") || !strcmp(proto, "unix") ? SOCK_STREAM
             : !strcmp(proto, "unixpacket")                  ? SOCK_SEQPACKET
                                                             : SOCK_DGRAM;
  int ls = socket(un ? AF_UNIX : AF_INET, type | SOCK_NONBLOCK, 0), one = 1, big = 4 << 20;
  if (ls < 0) die("socket");
  if (un) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strncpy(a.sun_path, addr, sizeof a.sun_path - 1);
    unlink(addr);
    if (bind(ls, (struct sockaddr *)&a, sizeof a)) die("bind");
  } else {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(addr))};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (type == SOCK_DGRAM) setsockopt(ls, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
    if (bind(ls, (struct sockaddr *)&a, sizeof a)) die("bind");
  }
  if (type != SOCK_DGRAM && listen(ls, 4096)) die("listen");

  char *room = malloc(2 * BUF), *buf = room + BUF;
  struct mmsghdr mm[VLEN];
  struct iovec iov[VLEN];
  char *slots = malloc((size_t)VLEN * SLOT);
  memset(mm, 0, sizeof mm);
  for (int i = 0; i < VLEN; i++) {
    iov[i].iov_base = slots + (size_t)i * SLOT;
    iov[i].iov_len = SLOT - 1;
    mm[i].msg_hdr.msg_iov = &iov[i];
    mm[i].msg_hdr.msg_iovlen = 1;
  }
  int ep = epoll_create1(0);
  struct epoll_event e = {.events = EPOLLIN, .data.fd = ls}, ev[256];
  epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
  while (!stop) {
    int n = epoll_wait(ep, ev, 256, 500);
    for (int k = 0; k < n; k++) {
      int fd = ev[k].data.fd;
      if (fd == ls && type != SOCK_DGRAM) {
        for (int c; (c = accept4(ls, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
          struct epoll_event ce = {.events = EPOLLIN, .data.fd = c};
          epoll_ctl(ep, EPOLL_CTL_ADD, c, &ce);
        }
      } else if (type == SOCK_STREAM) {
        ssize_t r = recv(fd, buf, BUF, 0);
        if (r > 0) { if (frame) put_lines(fd, buf, (size_t)r); else put(buf, (size_t)r); }
        else if (r == 0 || errno != EAGAIN) {
          if (frame && tails[fd].n) { put(tails[fd].p, tails[fd].n); tails[fd].n = 0; }
          close(fd);
        }
      } else if (mmsg) { /* datagrams in batches, one write per batch */
        for (int rounds = 0; rounds < 64; rounds++) {
          int got = recvmmsg(fd, mm, VLEN, MSG_DONTWAIT, NULL);
          if (got <= 0) break;
          size_t len = 0;
          int eof = 0;
          for (int i = 0; i < got; i++) {
            unsigned l = mm[i].msg_len;
            if (l == 0) { eof = 1; continue; }
            memcpy(buf + len, slots + (size_t)i * SLOT, l);
            buf[len + l] = '\n';
            len += l + 1;
            msgs++;
          }
          put(buf, len);
          if (eof && type == SOCK_SEQPACKET) { close(fd); break; }
          if (got < VLEN) break;
        }
      } else { /* datagrams one at a time, one write each */
        for (int rounds = 0; rounds < 1024; rounds++) {
          ssize_t r = recv(fd, buf, BUF - 1, MSG_DONTWAIT);
          if (r <= 0) { if (r == 0 && type == SOCK_SEQPACKET) close(fd); break; }
          buf[r] = '\n';
          msgs++;
          put(buf, (size_t)r + 1);
        }
      }
    }
  }
  fprintf(stderr, "floor: bytes=%llu msgs=%llu lines=%llu\n", (unsigned long long)bytes, (unsigned long long)msgs,
          (unsigned long long)lines);
  if (un) unlink(addr);
  return 0;
}
