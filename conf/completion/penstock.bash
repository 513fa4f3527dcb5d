# bash completion for penstock(1)

_penstock() {
  local cur prev words cword split
  _init_completion -s -n : || return

  local command i
  for ((i = 1; i < cword; i++)); do
    case ${words[i]} in
      run | check | send | sockets | tap | top | drain | reopen | queue)
        command=${words[i]}
        break
        ;;
    esac
  done

  case $prev in
    -c | --config)
      _filedir toml
      return
      ;;
    --file | --expect | --report | --token-file)
      _filedir
      return
      ;;
    --replay)
      _filedir jsonl
      return
      ;;
    --sort)
      COMPREPLY=($(compgen -W 'state recv-q send-q drops url peer rate age idle paused' -- "$cur"))
      return
      ;;
    --state)
      COMPREPLY=($(compgen -W 'LISTEN ESTAB CLOSE-WAIT FIN-WAIT-1 FIN-WAIT-2 LAST-ACK CLOSING UNCONN' -- "$cur"))
      return
      ;;
    --kind)
      COMPREPLY=($(compgen -W 'listening connection datagram' -- "$cur"))
      return
      ;;
    --payload)
      COMPREPLY=($(compgen -W 'syslog raw json statsd' -- "$cur"))
      return
      ;;
    --framing)
      COMPREPLY=($(compgen -W 'newline crlf nul octet_counted syslog_auto delimiter length_prefixed varint fixed json none' -- "$cur"))
      return
      ;;
    --length-bytes)
      COMPREPLY=($(compgen -W '1 2 4 8' -- "$cur"))
      return
      ;;
    --length-endian)
      COMPREPLY=($(compgen -W 'big little' -- "$cur"))
      return
      ;;
    --interface)
      COMPREPLY=($(compgen -W "$(cd /sys/class/net 2>/dev/null && echo *)" -- "$cur"))
      return
      ;;
    --count | --size | --first | --seed | --listener | --rate | --connections | --idle | --duration | --timeout | \
      --admin | --peer | --contains | --interval | --limit | --watch | --segment | --batch | --ttl | --delimiter | --length-offset | --frame-bytes)
      return # a number, a time or a name that only the user knows
      ;;
  esac
  $split && return

  local options='-h --help'
  case $command in
    '') options+=' -V --version' ;;
    run) options+=' -c --config' ;;
    check) options+=' -c --config --bind' ;;
    sockets) options+=' -c --config --admin --token-file --sort -r --reverse --listener --peer --state --kind --paused --limit --json --watch' ;;
    tap) options+=' -c --config --admin --token-file --peer --contains --rate --count --json' ;;
    top) options+=' -c --config --admin --token-file --interval --once' ;;
    drain) options+=' -c --config --admin --token-file --wait' ;;
    reopen) options+=' -c --config --admin --token-file' ;;
    queue) [[ " ${words[*]} " == *' dump '* ]] && options+=' --all' ;;
    send)
      options+=' --count --size --payload --first --seed --file --replay --listener --framing --delimiter --length-bytes
        --length-endian --length-offset --length-includes-header --frame-bytes --rate --connections --idle --duration
        --timeout --segment --batch --interface --ttl --verify --expect --report --json --quiet'
      ;;
  esac

  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
  elif [[ ! $command ]]; then
    COMPREPLY=($(compgen -W 'run check send sockets tap top drain reopen queue' -- "$cur"))
  elif [[ $command == queue ]]; then
    [[ $prev == queue ]] && COMPREPLY=($(compgen -W 'stat check dump' -- "$cur")) || _filedir -d
  elif [[ $command == send ]]; then
    # --verify takes any number of files, up to the next option
    for ((i = cword - 1; i > 0; i--)); do
      [[ ${words[i]} == --verify ]] && { _filedir && return; }
      [[ ${words[i]} == -* ]] && break
    done
    [[ $cur == *://* ]] && return
    compopt -o nospace
    COMPREPLY=($(compgen -W 'tcp:// tcp4:// tcp6:// udp:// udp4:// udp6:// unix:// unixgram:// unixpacket://' -- "$cur"))
    __ltrim_colon_completions "$cur"
  fi
} && complete -F _penstock penstock
