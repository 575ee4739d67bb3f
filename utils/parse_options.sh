# shellcheck shell=bash
# Sourced by a script to read its options from "$@".
#
#   # begin configuration section
#   nj=4            # parallel processes
#   dry_run=false   # print the commands, run nothing
#   config=         # file of options
#   # end configuration section
#   . utils/parse_options.sh
#
# The options are the variables of that section; its comments are the help text. Scripts named in the array option_files
# may have a section too. --dry-run equals --dry_run, and --nj 8 equals --nj=8. An option whose default is true or false
# takes true or false, and means true without a value. An option whose default is a number takes a number. An option whose
# default is not empty must not be empty. --config FILE reads lines `name=value` or `--name value`, which are parsed, never
# run; the command line wins, wherever --config stands. --help prints $help_message and the options with their defaults.
# Arguments that are not options stay in "$@"; after -- all arguments do. Wrong usage ends the script with status 2.
#
# option_given has the names of the options that were given, by the command line or a file.
# Functions return their result in REPLY.

declare -A option_help=() option_kind=()
option_names=() option_words=() option_given=()

option_error() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  exit 2
}

# Read names, help texts and kinds of options from the configuration section of a script.
option_declare() {
  local line inside=false name=
  while IFS= read -r line; do
    case $line in
      *"# begin configuration section"*) inside=true ;;
      *"# end configuration section"*) break ;;
    esac
    if $inside && [[ $line =~ ^([a-z][a-z0-9_]*)=[^#]*(# *(.*))?$ ]]; then
      name=${BASH_REMATCH[1]}
      option_names+=("$name")
      option_help[$name]=${BASH_REMATCH[3]}
      case ${!name} in
        true | false) option_kind[$name]=boolean ;;
        "") option_kind[$name]=any ;;
        *[!0-9]*) option_kind[$name]=text ;;
        *) option_kind[$name]=number ;;
      esac
    elif $inside && [[ -n $name && $line =~ ^[[:space:]]+#\ *(.*)$ ]]; then
      option_help[$name]+=" ${BASH_REMATCH[1]}"
    fi
  done <"$1"
}

option_print_help() {
  local option
  printf '%s\n\noptions, with their defaults here:\n' "${help_message:-usage: ${0##*/} [options]}"
  for option in "${option_names[@]}"; do
    printf '  --%-16s %s [%s]\n' "${option//_/-}" "${option_help[$option]}" "${!option}"
  done
}

# Print the options in the form that --config reads.
option_print() {
  local name
  for name in "${option_names[@]}"; do
    [[ $name == config ]] || printf '%s="%s"\n' "$name" "${!name}"
  done
}

# The known option nearest to a word: one that begins with it, else the most similar one; empty if there is none.
option_nearest() {
  local name
  for name in "${option_names[@]}"; do
    [[ -z $1 || $name != "$1"* ]] || { REPLY=$name && return; }
  done
  REPLY=$(python3 -I -c 'import difflib, sys; print(*difflib.get_close_matches(sys.argv[1], sys.argv[2:], n=1))' \
    "$1" "${option_names[@]}" 2>/dev/null) || REPLY=
}

# Whether a word such as --stop-stage or --stop-stage=3 is a known option; REPLY is the name of its variable.
option_is_known() {
  [[ $1 == --?* ]] || return
  REPLY=${1#--} REPLY=${REPLY%%=*} REPLY=${REPLY//-/_}
  [[ -n $REPLY && -n ${option_kind[$REPLY]-} ]]
}

option_find() { # option_find WORD WHERE
  option_is_known "$1" && return
  local name=${REPLY,,}
  option_nearest "$name"
  option_error "$2unknown option ${1%%=*}; ${REPLY:+did you mean --${REPLY//_/-}? }--help lists the options"
}

option_set() { # option_set NAME VALUE WHERE
  local dashed=--${1//_/-}
  case ${option_kind[$1]} in
    boolean) [[ $2 =~ ^(true|false)$ ]] || option_error "$3$dashed takes true or false, not '$2'" ;;
    number) [[ $2 =~ ^[0-9]+$ ]] || option_error "$3$dashed takes a number, not '$2'" ;;
    text) [[ -n $2 ]] || option_error "$3$dashed must not be empty" ;;
  esac
  printf -v "$1" %s "$2"
  option_given+=("$1")
}

option_read_config() {
  local file=$1 line number=0 where name value
  [[ -r $file && ! -d $file ]] || option_error "--config: cannot read $file (from $PWD)"
  while IFS= read -r line || [[ -n $line ]]; do
    where="$file:$((++number)): "
    [[ ! $line =~ ^[[:space:]]*(#.*)?$ ]] || continue
    [[ $line =~ ^[[:space:]]*(--)?([A-Za-z][A-Za-z0-9_-]*)([[:space:]]*[=:][[:space:]]*|[[:space:]]+|$)(.*)$ ]] ||
      option_error "${where}expected name=value, not '$line'"
    value=${BASH_REMATCH[4]}
    option_find "--${BASH_REMATCH[2]}" "$where"
    name=$REPLY
    if [[ $value =~ ^(\"([^\"]*)\"|\'([^\']*)\')[[:space:]]*(#.*)?$ ]]; then
      value=${BASH_REMATCH[2]}${BASH_REMATCH[3]}
    else
      [[ $value != \#* ]] || value=
      value=${value%%[[:space:]]#*}
      value=${value%"${value##*[![:space:]]}"}
    fi
    [[ $name != config ]] || option_error "${where}a file of options cannot contain config"
    option_set "$name" "$value" "$where"
  done <"$file"
}

option_read() {
  local names=() values=() i
  while (($#)); do
    case $1 in
      --)
        option_words+=("${@:2}")
        break
        ;;
      --help | -h)
        option_print_help
        exit 0
        ;;
      --*=*)
        option_find "$1" ""
        names+=("$REPLY") values+=("${1#*=}")
        ;;
      --*)
        option_find "$1" ""
        names+=("$REPLY")
        if [[ ${option_kind[$REPLY]} == boolean && ($# == 1 || $2 == --*) ]]; then
          values+=(true)
        elif (($# == 1)) || option_is_known "$2"; then
          option_error "$1 needs a value${2:+, not the option $2}; write a value that begins with dashes as $1=VALUE"
        else
          values+=("$2")
          shift
        fi
        ;;
      -?*) option_error "unknown option $1; --help lists the options" ;;
      *) option_words+=("$1") ;;
    esac
    shift
  done
  for i in "${!names[@]}"; do
    [[ ${names[i]} != config ]] || option_read_config "${values[i]}"
  done
  for i in "${!names[@]}"; do
    option_set "${names[i]}" "${values[i]}" ""
  done
}

# shellcheck disable=SC2154 # set by the script, or not
for option_file in "${BASH_SOURCE[1]}" ${option_files[@]+"${option_files[@]}"}; do
  option_declare "$option_file"
done
option_read "$@"
set -- ${option_words[@]+"${option_words[@]}"}
