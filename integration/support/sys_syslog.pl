# sys_syslog.pl MECHANISM [PLACE [PORT]]: sends records by Perl's Sys::Syslog. PLACE is a host, or a socket's path where there
# is no PORT. For each line of standard input, a number, it sends as many, says `sent`, and ends with its input.
use strict;
use warnings;
use Sys::Syslog qw(:standard :macros);

my ($mechanism, $place, $port) = @ARGV;
my $where = defined $port ? { type => $mechanism, host => $place, port => $port }
          : defined $place ? { type => $mechanism, path => $place }
          : { type => $mechanism };
$| = 1;
Sys::Syslog::setlogsock($where) or die "setlogsock $mechanism";
openlog("tests", "ndelay,pid", LOG_LOCAL3);
my $next = 0;
while (my $count = <STDIN>) {
  for (my $end = $next + $count; $next < $end; ++$next) {
    syslog(LOG_WARNING, "word %d", $next) or die "syslog: $!";
  }
  print "sent\n";
}
closelog();
