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

# The server's own processes.
children() {
  for stat in /proc/[0-9]*/stat; do
    # One may end while it is looked at.
    read -r process name _ parent _ 2>/dev/null <"$stat" || continue
    [ "$name $parent" = "(postgres) $server" ] && echo "$process"
  done
}

while read -r command argument; do
  answer=$command
  case $command in
  start)
    "$bin/postgres" -D "$folder/data" -p "$port" >>"$folder/log" 2>&1 </dev/null &
    server=$!
    ;;
  kill) end KILL ;;
  hold) kill -s STOP "$argument" ;;
  release) kill -s CONT "$argument" ;;
  fall)
    # The first is stopped, so that it starts no other and tells none to end; then all go, before one can write.
    kill -s STOP "$server"
    # shellcheck disable=SC2046 # each is a word
    kill -s KILL $(children) "$server"
    end KILL
    ;;
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
