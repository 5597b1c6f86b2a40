# Runs a PostgreSQL server for a test, which tells it on standard input what to do. When the test ends, however it
# ends, standard input ends too: then the server is stopped and its folder is removed.
#
# $1 the folder with the server's programs, $2 the folder that is removed, $3 the port
bin=$1 folder=$2 port=$3
trap '' INT TERM HUP
server=

# Signals the server until it has ended: one that has only begun to start does not listen yet.
end() {
  while [ -n "$server" ] && kill -s "$1" "$server" 2>/dev/null; do sleep 0.05; done
  server=
}

while read -r command; do
  answer=$command
  case $command in
  start)
    "$bin/postgres" -D "$folder/data" -p "$port" >>"$folder/log" 2>&1 </dev/null &
    server=$!
    ;;
  kill) end KILL ;;
  stop) end INT ;;
  immediate) end QUIT ;;
  look)
    # The pause also takes notice of a server that has ended.
    sleep 0.02
    kill -s 0 "$server" 2>/dev/null || answer=ended
    ;;
  esac
  echo "$answer"
done
end QUIT
rm -rf "$folder"
