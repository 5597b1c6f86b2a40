# Runs a PostgreSQL server for a test, which tells it on standard input what to do. When the test ends, however it
# ends, standard input ends too: then the server is stopped and its folder is removed.
#
# $1 the folder with the server's programs, $2 the folder that is removed, $3 the port
bin=$1 folder=$2 port=$3
trap '' INT TERM HUP
server=
while read -r command; do
  case $command in
  start)
    "$bin/postgres" -D "$folder/data" -p "$port" >>"$folder/log" 2>&1 </dev/null &
    server=$!
    ;;
  kill | stop | immediate)
    case $command in kill) signal=KILL ;; stop) signal=INT ;; immediate) signal=QUIT ;; esac
    [ -z "$server" ] || { kill -s "$signal" "$server" && wait "$server"; } 2>/dev/null
    server=
    ;;
  esac
  echo "$command"
done
[ -z "$server" ] || { kill -s QUIT "$server" && wait "$server"; } 2>/dev/null
rm -rf "$folder"
