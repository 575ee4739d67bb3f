# shellcheck shell=bash
# Lock files as those of mscnn/lock.py, for scripts: a file that only one process can create, with host, process, its start
# and the time. The lock of a process that has ended is taken over.

# Print this machine and, on Linux, its numbering of processes: containers have their own, also of the same host name.
lock_host() {
  local numbering
  numbering=$(readlink /proc/self/ns/pid 2>/dev/null) || numbering=
  echo "$(uname -n)${numbering:+/${numbering//[!0-9]/}}"
}

# Print when process PID started, in any unit; nothing where there is no such process.
lock_started() { # lock_started PID
  local line
  if [[ -r /proc/self/stat ]]; then
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
    read -ra line <<<"${line##*) }"
    [[ ${line[0]} == Z ]] || printf %s "${line[19]}" # Z: it has ended, and its parent did not ask
  else
    ps -o lstart= -p "$1" 2>/dev/null | tr -d '[:space:]' || true
  fi
}

# Whether the owner in a line of a lock file cannot be at work any more.
lock_is_stale() { # lock_is_stale HOST PID STARTED
  [[ -z $2 ]] || { [[ $1 == "$(lock_host)" ]] && [[ $(lock_started "$2") != "$3" ]]; }
}

# Create FILE with one line about this process; nothing is left where there is no space for it.
lock_create() { # lock_create FILE
  local line
  printf -v line '%s %(%FT%T)T' "$(lock_host) $$ $(lock_started $$)" -1
  # shellcheck disable=SC2094 # rm does not read
  (set -o noclobber && { echo "$line" || { rm -f "$1" && exit 1; }; } >"$1") 2>/dev/null
}

# Create FILE. Status 1: its folder cannot be written; 2: a process or another user has it, which REPLY names.
lock_try() { # lock_try FILE
  local file=$1 again host pid started since attempt=0
  until lock_create "$file"; do
    [[ -e $file ]] || { ((++attempt < 20)) && [[ -w ${file%/*} ]] && continue || return 1; } # just released
    REPLY=$(cat "$file" 2>/dev/null) || { [[ ! -e $file ]] && continue || REPLY="another user" && return 2; }
    read -r host pid started since <<<"$REPLY"
    [[ -n $pid ]] || sleep 1 # it may be being written
    lock_is_stale "$host" "$pid" "$started" || { REPLY="process $pid of ${host%%/*}${since:+, since $since}" && return 2; }
    find "$file.taking" -mmin +1 -delete 2>/dev/null || true # of a process that was killed in the next two lines
    lock_create "$file.taking" || { ((++attempt < 90)) && sleep 1 && continue || return 1; }
    again=$(cat "$file" 2>/dev/null) || again=
    [[ $again != "$REPLY" ]] || rm -f "$file"
    rm -f "$file.taking"
  done
}

# Create FILE, or wait until its owner ends; fails where the folder cannot be written. SAY is called with one line.
lock_take() { # lock_take FILE SAY
  local told=false status
  while status=0 && lock_try "$1" || status=$?; ((status)); do
    ((status == 2)) || return 1
    $told || "$2" "$REPLY uses ${1%.*}; waiting for it to end (if it has ended, remove $1)"
    told=true
    sleep 1
  done
}

# Remove FILE where this process made it.
lock_release() { # lock_release FILE
  local host pid
  { read -r host pid _ <"$1"; } 2>/dev/null || return 0
  [[ $host != "$(lock_host)" || $pid != "$$" ]] || rm -f "$1"
}
