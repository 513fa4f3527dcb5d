# The configuration that the package installs is conf/penstock.toml with the folders of a system service in place of
# those of a user who tries it out; there is no second file to keep in step. What changes:
#
#   sockets             ./run/                  /run/penstock/
#   records             a file a day below      /var/log/penstock/{listener}.log, which logrotate rotates and removes:
#                       data/{listener}         files with the day in their name would stay for ever
#   quarantine          data/quarantine         /var/lib/penstock/quarantine
#   admin address       unix://./run/           unix:///run/penstock/
#   the words at the top that say how to try it
#
# A text that is not there any more is an error: the file has changed, and this list has to follow.
function(penstock_swap variable before after)
  string(FIND "${${variable}}" "${before}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "conf/penstock.toml lacks what packaged_config.cmake replaces: ${before}")
  endif()
  string(REPLACE "${before}" "${after}" swapped "${${variable}}")
  set(${variable} "${swapped}" PARENT_SCOPE)
endfunction()

function(penstock_packaged_config from to)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${from})
  file(READ ${from} text)
  penstock_swap(text [[# This file works as it is, for an ordinary user:
#
#     penstock run --config conf/penstock.toml       (or ./dev run in the repository)
#     logger --server 127.0.0.1 --port 5514 --tcp 'hello'
#     cat data/syslog/*.log
]] [[# The service works with this file as it is:
#
#     systemctl status penstock
#     logger --server 127.0.0.1 --port 5514 --tcp 'hello'
#     tail /var/log/penstock/syslog.log
#
# After a change: `penstock check`, then `systemctl restart penstock`. The service may write below /var/log/penstock,
# /var/lib/penstock and /run/penstock only; /usr/share/doc/penstock/examples/systemd shows how to give it more.
]])
  penstock_swap(text [[# Relative paths start at the directory in which penstock was started.]]
    [[# Relative paths start at the directory in which penstock was started, /var/lib/penstock for the service.]])
  penstock_swap(text [[
#listen = "unix://./run/admin.sock"]] [[
listen = "unix:///run/penstock/admin.sock"]])
  penstock_swap(text [["unix://./run/admin.sock"]] [["the default"]])  # in its description, where it stays
  penstock_swap(text [["unixgram://./run/]] [["unixgram:///run/penstock/]])
  penstock_swap(text [["unix://./run/]] [["unix:///run/penstock/]])
  penstock_swap(text [["unixpacket://./run/]] [["unixpacket:///run/penstock/]])
  penstock_swap(text [[
path = "data/{listener}/%Y-%m-%d.log"]] [[
path = "/var/log/penstock/{listener}.log"]])
  penstock_swap(text [[
#path = "data/quarantine"]] [[
path = "/var/lib/penstock/quarantine"]])
  penstock_swap(text [["the default"]] [["unix://./run/admin.sock"]])
  file(CONFIGURE OUTPUT ${to} CONTENT "${text}" @ONLY)
endfunction()
