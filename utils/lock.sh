# shellcheck shell=bash
# A lock that works on every file system: a file that only one process can create, with host, process and its start. The lock
# of a process that has ended is taken over; that of another machine is waited for.

# Print when process PID started, in any unit; nothing where there is no such process.
lock_started() { # lock_started PID
  local line
  if [[ -r /proc/self/stat ]]; then
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
    read -ra line <<<"${line##*) }"
    [[ ${line[0]} == Z ]] || printf %s "${line[19]}" # Z: it has ended, and its parent did not ask
  else
    ps -o lstart= -p "$1" 2>/dev/null | tr -d ' ' || true
  fi
}

# Whether the owner in a line of a lock file cannot be at work any more.
lock_is_stale() { # lock_is_stale HOST PID STARTED
  [[ -z $2 ]] || { [[ $1 == "${HOSTNAME:-localhost}" ]] && [[ $(lock_started "$2") != "$3" ]]; }
}

# Create FILE, or wait until its owner ends; fails where the folder cannot be written. SAY is called with one line.
lock_take() { # lock_take FILE SAY
  local file=$1 say=$2 owner again host pid started told=false
  until (set -o noclobber && echo "${HOSTNAME:-localhost} $$ $(lock_started $$)" >"$file") 2>/dev/null; do
    [[ -e $file ]] || { [[ -w ${file%/*} ]] && continue || return 1; }
    owner=$(cat "$file" 2>/dev/null) || continue
    read -r host pid started <<<"$owner"
    [[ -n $pid ]] || sleep 1 # it may be being written
    if lock_is_stale "$host" "$pid" "$started"; then
      find "$file.taking" -mmin +1 -delete 2>/dev/null || true # of a process that was killed in the next two lines
      (set -o noclobber && : >"$file.taking") 2>/dev/null || { sleep 1 && continue; }
      again=$(cat "$file" 2>/dev/null) || again=
      [[ $again != "$owner" ]] || rm -f "$file"
      rm -f "$file.taking"
      continue
    fi
    $told || "$say" "process $pid of $host uses ${file%.*}; waiting for it to end (if it has ended, remove $file)"
    told=true
    sleep 1
  done
}

# Remove FILE where this process made it.
lock_release() { # lock_release FILE
  local host pid
  { read -r host pid _ <"$1"; } 2>/dev/null || return 0
  [[ $host != "${HOSTNAME:-localhost}" || $pid != "$$" ]] || rm -f "$1"
}
