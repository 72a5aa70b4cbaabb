#!/bin/bash
# Collects how a Linux machine is addressed, and prints it as one line of JSON. README.md beside this file describes the format.
#
# It reads only: it changes nothing and leaves no file. It needs bash 3.2 or newer, awk, od and the coreutils; it uses ip, ss, curl,
# openssl and decompressors when they are there. It is sent as the text of a Systems Manager command, so it is ASCII, and two opening
# braces never stand side by side: Systems Manager would replace them.
#
# STAYPUT_ROOT          prefix of all files, for tests
# STAYPUT_IMDS          base URL of the instance metadata service, default http://169.254.169.254
# STAYPUT_TABLE         DynamoDB table: the machine also writes a row for itself
# STAYPUT_TABLE_REGION  region of the table, default: the region of the machine
# STAYPUT_DYNAMODB      base URL of DynamoDB, default: the endpoint of the region

# Systems Manager may start the script with another shell.
if [ -z "${BASH_VERSION:-}" ]; then
  if [ -f "$0" ] && command -v bash >/dev/null 2>&1; then exec bash "$0" "$@"; fi
  printf '%s\n' '{"stayput_guest":1,"os":"linux","failed":[{"part":"all","why":"bash was not found, or the script is not a file"}]}'
  exit 1
fi
set +o posix +o noglob +o noclobber +o errexit +o nounset
shopt -u failglob nocaseglob nocasematch dotglob
shopt -s nullglob
LC_ALL=C
PATH=${PATH:-/usr/bin:/bin}:/usr/sbin:/usr/bin:/sbin:/bin
IFS=$' \t\n'
export LC_ALL PATH
unset GLOBIGNORE GREP_OPTIONS POSIXLY_CORRECT CDPATH XZ_OPT XZ_DEFAULTS GZIP ZSTD_CLEVEL
umask 077

ROOT=${STAYPUT_ROOT:-}
ROOT=${ROOT%/}
IMDS=${STAYPUT_IMDS:-http://169.254.169.254}
IMDS=${IMDS%/}
PROC=/proc
SYS=/sys
if [ -n "$ROOT" ] && [ -d "$ROOT/proc" ]; then PROC=$ROOT/proc; fi
if [ -n "$ROOT" ] && [ -d "$ROOT/sys" ]; then SYS=$ROOT/sys; fi

# Systems Manager returns the first 24,000 characters of the output.
LIMIT=23900
# Parts that take long are left out when the script has run for so many seconds.
LATE=90

# ---- JSON -------------------------------------------------------------------------------------------------------------------------

# Reads decimal bytes from od. Prints the body of a JSON string of at most `max` characters in ASCII, and on a second line how many
# bytes are not UTF-8, and 1 if the string is cut.
# shellcheck disable=SC2016
ESCAPE='
function put(s) {
  if (full || n + length(s) > max) { full = 1; return }
  n += length(s)
  printf "%s", s
}
function broken() { bad++; put("\\ufffd") }
function point(c) {
  if (c < 65536) put(sprintf("\\u%04x", c))
  else { c -= 65536; put(sprintf("\\u%04x\\u%04x", 55296 + int(c / 1024), 56320 + c % 1024)) }
}
BEGIN {
  for (i = 0; i < 32; i++) t[i] = sprintf("\\u%04x", i)
  for (i = 32; i < 127; i++) t[i] = sprintf("%c", i)
  t[9] = "\\t"; t[10] = "\\n"; t[13] = "\\r"; t[34] = "\\\""; t[92] = "\\\\"; t[127] = "\\u007f"
  need = 0; n = 0; bad = 0; full = 0
}
{
  for (i = 1; i <= NF && !full; i++) {
    b = $i + 0
    if (need) {
      if (b >= lo && b <= hi) {
        c = c * 64 + b - 128; lo = 128; hi = 191
        if (--need == 0) point(c)
        continue
      }
      need = 0
      broken()
    }
    if (b < 128) put(t[b])
    else if (b >= 194 && b <= 223) { need = 1; c = b - 192; lo = 128; hi = 191 }
    else if (b >= 224 && b <= 239) { need = 2; c = b - 224; lo = (b == 224) ? 160 : 128; hi = (b == 237) ? 159 : 191 }
    else if (b >= 240 && b <= 244) { need = 3; c = b - 240; lo = (b == 240) ? 144 : 128; hi = (b == 244) ? 143 : 191 }
    else broken()
  }
  if (full) exit
}
END { if (need) broken(); printf "\n%d %d\n", bad, full }
'

# Characters that stand for themselves in JSON.
OTHER='[!]A-Za-z0-9 ._:/@%+=,;(){}<>[|*&#!?^~$-]'

escape() { od -An -v -tu1 2>/dev/null | awk -v max="$1" "$ESCAPE"; }

# Sets BODY, BAD and CUT from the output of escape.
split_escaped() {
  local last=${1##*$'\n'}
  BODY=${1%$'\n'*}
  BAD=${last%% *}
  CUT=${last##* }
}

# q VALUE [MAX]: sets Q to the value as a JSON string. A value that is too long ends in "...(cut)".
q() {
  local s=$1 max=${2:-300} cut=
  # shellcheck disable=SC2254
  case $s in
    *$OTHER*)
      split_escaped "$(printf '%s' "$s" | escape "$max")"
      s=$BODY
      if [ "$CUT" = 1 ]; then cut='...(cut)'; fi
      ;;
    *)
      if [ "${#s}" -gt "$max" ]; then
        s=${s:0:max}
        cut='...(cut)'
      fi
      ;;
  esac
  Q="\"$s$cut\""
}

# qn VALUE: as q, but null for an empty value.
qn() { if [ -n "$1" ]; then q "$@"; else Q=null; fi; }

# number VALUE: sets N to a JSON number or null.
number() {
  case $1 in
    '' | *[!0-9]*) N=null ;;
    *) if [ "${#1}" -gt 15 ]; then N=null; else N=$((10#$1)); fi ;;
  esac
}

# list ITEM...: sets L to a JSON list of strings.
list() {
  local item all=
  for item in "$@"; do
    q "$item"
    all="$all${all:+,}$Q"
  done
  L="[$all]"
}

# ---- what was collected -----------------------------------------------------------------------------------------------------------

RANKS=() SECTIONS=() LABELS=() ITEMS=()
FAILED=() LOOKED=
LOST_SECTIONS=() LOST_COUNTS=()

# add RANK SECTION JSON [LABEL]: an item of a section. Items of rank 1 are the most important.
add() {
  RANKS[${#RANKS[@]}]=$1
  SECTIONS[${#SECTIONS[@]}]=$2
  ITEMS[${#ITEMS[@]}]=$3
  LABELS[${#LABELS[@]}]=${4:-}
}

# fail PART WHY: a part that could not be read. What does not exist is no failure.
fail() {
  local part why
  q "$1" 160
  part=$Q
  q "$2" 160
  why=$Q
  FAILED[${#FAILED[@]}]="{\"part\":$part,\"why\":$why}"
}

# lost SECTION COUNT: items that a bound has excluded.
lost() {
  LOST_SECTIONS[${#LOST_SECTIONS[@]}]=$1
  LOST_COUNTS[${#LOST_COUNTS[@]}]=$2
}

# looked GROUP COUNT: how many files of a kind exist.
looked() {
  q "$1"
  LOOKED="$LOOKED${LOOKED:+,}$Q:$2"
}

# words TEXT: sets W to the words of a text. A here-document would be a temporary file.
words() {
  set -o noglob
  # shellcheck disable=SC2206
  W=($1)
  set +o noglob
}

# have COMMAND: the shell may also find files of this name that are not programs.
have() {
  local path
  path=$(type -P "$1") && [ -x "$path" ] && [ -f "$path" ]
}

late() { [ "$SECONDS" -ge "$LATE" ]; }

# limited SECONDS COMMAND...: runs a command, ends it after some seconds.
limited() {
  local seconds=$1
  shift
  if have timeout; then timeout "$seconds" "$@"; else "$@"; fi
}

# ---- files ------------------------------------------------------------------------------------------------------------------------

# Prints a text without secrets, and on a last line how many values were removed.
# cut=1: the last line is not complete. yaml=1: values may continue on lines that are indented more. comments=1: no lines that are
# comments or empty. only=KEY: only the block of that key at the start of a line.
# shellcheck disable=SC2016
STRIP='
function is_secret(k) {
  if (k ~ /(flags|type|mgmt|management|file|-id|_id|keyid|policy)$/ || k ~ /public/) return 0
  if (k ~ /psk|passw|passphrase|passcode|secret|private[-_.]?key|pre-?shared|wep[-_]?key|credential|authorization|mka[-_]?cak/) return 1
  if (k ~ /(auth|access|api|bearer|session|security|metadata)[-_]?(token|key)/) return 1
  return k ~ /(^|[-_.])(pin|puk|pw|pass|cak|key[0-9_]*|private|shared|community)$/
}
# The position of the quotation mark that closes the value, or 0.
function closing(v, mark,   i, c) {
  for (i = 2; i <= length(v); i++) {
    c = substr(v, i, 1)
    if (c == "\\" && mark == "\"") { i++; continue }
    if (c != mark) continue
    if (mark == "\047" && substr(v, i + 1, 1) == mark) { i++; continue }
    return i
  }
  return 0
}
function scrub(line,   out, rest, low, k, at, upto, after, sep, v, mark, e, tail, flow) {
  while (match(line, /:\/\/[^ \t"<>@\/]*:[^ \t"<>@]*@/)) {
    line = substr(line, 1, RSTART + 2) "(stripped)@" substr(line, RSTART + RLENGTH)
    count++
    if (line ~ /:\/\/\(stripped\)@.*:\/\/\(stripped\)@/) break
  }
  count += gsub(/A[KS]IA[A-Z0-9][A-Z0-9][A-Z0-9][A-Z0-9][A-Z0-9][A-Z0-9][A-Z0-9][A-Z0-9]+/, "(stripped)", line)
  if (line ~ /curl/ && match(line, /[ \t](-u|--user|--proxy-user|-U)[ \t=]+[^ \t]+/)) {
    line = substr(line, 1, RSTART) "--user (stripped)" substr(line, RSTART + RLENGTH)
    count++
  }
  out = ""; rest = line
  if (tolower(line) !~ /psk|pass|secret|key|shared|cred|auth|token|pin|puk|pw|cak|private|community/) return line
  while (1) {
    low = tolower(rest)
    if (!match(low, /[a-z0-9_.-]+/)) break
    at = RSTART
    upto = RSTART + RLENGTH - 1
    k = substr(low, at, RLENGTH)
    after = substr(rest, upto + 1)
    if (!is_secret(k) || !match(after, /^["\047]?[ \t]*(\+=|:=|=|:|[ \t])[ \t]*/)) {
      out = out substr(rest, 1, upto)
      rest = after
      continue
    }
    sep = substr(after, 1, RLENGTH)
    v = substr(after, RLENGTH + 1)
    column = length(out) + at - 1
    out = out substr(rest, 1, upto) sep
    flow = out ~ /[{[]/
    if (v ~ /^[ \t\r]*$/) { if (yaml) { block = column; pending = 1 }; rest = v; break }
    count++
    mark = substr(v, 1, 1)
    if (mark == "\"" || mark == "\047") {
      e = closing(v, mark)
      if (!e) { open = mark; if (yaml) block = column; return out "(stripped)" }
      tail = substr(v, e + 1)
      if (flow || tail ~ /^[]}, \t\r]*$/) { out = out "\"(stripped)\""; rest = tail; continue }
      return out "(stripped)"
    }
    # A list or a table of values ends where only a parser can tell.
    if (mark == "[" || mark == "{") { if (yaml) block = column; return out "(stripped)" }
    if (flow && match(v, /[]},]/)) { out = out "(stripped)"; rest = substr(v, RSTART); continue }
    if (yaml) block = column
    if (v ~ /\\[ \t\r]*$/) joined = 1
    return out "(stripped)"
  }
  return out rest
}
function keep(line) {
  if (held) print last
  last = line
  held = 1
}
BEGIN { block = -1; open = ""; count = 0; held = 0 }
only {
  if (index($0, only ":") == 1) inside = 1
  else if ($0 ~ /^[^ \t#]/) inside = 0
  if (!inside) next
}
pem { if ($0 ~ /-----END/) pem = 0; next }
open != "" {
  if (index($0, open)) open = ""
  next
}
joined { joined = ($0 ~ /\\[ \t\r]*$/); next }
block >= 0 {
  if ($0 ~ /^[ \t\r]*$/) next
  match($0, /[^ ]/)
  if (RSTART - 1 > block) { count += pending; pending = 0; next }
  block = -1; pending = 0
}
comments && /^[ \t]*([#;!%].*)?[\r]?$/ { next }
/-----BEGIN [A-Z0-9 ]*PRIVATE KEY/ {
  at = index($0, "-----BEGIN")
  count++
  if (substr($0, at) !~ /-----END/) pem = 1
  keep(scrub(substr($0, 1, at - 1)) "(stripped)")
  next
}
/^[ \t]*\[/ { hidden = tolower($0) ~ /secret/ }
hidden && /=/ {
  count++
  keep(substr($0, 1, index($0, "=")) "(stripped)")
  next
}
{ keep(scrub($0)) }
END {
  if (held && !(cut && NR > 1)) print last
  print count
}
'

# guest_path PATH: sets REAL to the file behind a path. Under STAYPUT_ROOT, symbolic links stay inside it.
guest_path() {
  local path=$1 target turns=0
  REAL=$ROOT$path
  if [ -z "$ROOT" ]; then return; fi
  while [ -L "$ROOT$path" ] && [ "$turns" -lt 8 ]; do
    target=$(readlink "$ROOT$path")
    case $target in
      /*) path=$target ;;
      *) path=${path%/*}/$target ;;
    esac
    turns=$((turns + 1))
  done
  REAL=$ROOT$path
}

# state PATH: returns 0 if it exists, 1 if it does not, and 2 if that cannot be known.
state() {
  local path=$ROOT$1
  if [ -e "$path" ] || [ -L "$path" ]; then return 0; fi
  while [ -n "$path" ] && [ ! -e "$path" ]; do path=${path%/*}; done
  if [ -d "${path:-/}" ] && [ ! -x "${path:-/}" ]; then return 2; fi
  return 1
}

# read_text PATH MAX [STRIP OPTIONS]: sets TEXT, STRIPPED, SIZE and SHORT (1 if only the start was read). Returns 1 and sets WHY if the
# file cannot be read.
read_text() {
  local path=$1 max=$2 out status
  shift 2
  TEXT='' STRIPPED=0 SIZE=0 SHORT=0 WHY=''
  guest_path "$path"
  if [ ! -e "$REAL" ]; then
    WHY='it does not exist, or its folder cannot be searched'
    if [ -L "$ROOT$path" ]; then WHY='it is a symbolic link to a file that does not exist'; fi
    return 1
  fi
  if [ ! -f "$REAL" ]; then
    WHY='it is not a regular file'
    return 1
  fi
  if [ ! -r "$REAL" ]; then
    WHY='permission denied'
    return 1
  fi
  SIZE=$(stat -L -c %s -- "$REAL" 2>/dev/null)
  number "$SIZE"
  SIZE=$N
  if [ "$SIZE" = null ]; then SIZE=0; fi
  if [ "$SIZE" -gt "$max" ]; then SHORT=1; fi
  out=$(
    head -c "$max" -- "$REAL" 2>/dev/null | tr '\000' '\377' | awk -v cut="$SHORT" "$@" "$STRIP"
    echo "${PIPESTATUS[0]}"
  )
  status=${out##*$'\n'}
  out=${out%$'\n'*}
  if [ "$status" != 0 ]; then
    WHY="reading failed with status $status"
    return 1
  fi
  STRIPPED=${out##*$'\n'}
  TEXT=
  case $out in *$'\n'*) TEXT=${out%$'\n'*}$'\n' ;; esac
  return 0
}

# Prints the settings of a file that depend on a MAC address, a bus path, a driver or an interface name: line, kind, text.
# shellcheck disable=SC2016
BOUND='
{
  low = tolower($0)
  kind = ""
  if (low ~ /^[ \t]*[#;]/ || low ~ /\(stripped\)/) next
  if (low ~ /[0-9a-f][0-9a-f][:-][0-9a-f][0-9a-f][:-][0-9a-f][0-9a-f][:-][0-9a-f][0-9a-f][:-][0-9a-f][0-9a-f][:-][0-9a-f][0-9a-f]/) kind = "mac"
  else if (low ~ /kernels==|id_path|^[ \t]*path *=|pci-[0-9a-f]+:|[0-9a-f][0-9a-f][0-9a-f][0-9a-f]:[0-9a-f][0-9a-f]:[0-9a-f][0-9a-f]\.[0-7]/) kind = "path"
  else if (low ~ /^[ \t]*driver *=|drivers==|^[ \t]*driver:/) kind = "driver"
  else if (low ~ /^[ \t]*(device|interface-name|name|originalname|master|bridge|parent) *=|set-name:|name="|^[ \t]*(auto|iface|allow-[a-z]+)[ \t]|^[ \t]+(eth[0-9]+|en[opsx][0-9][0-9a-z]*):[ \t\r]*$/) kind = "name"
  if (kind == "" || low ~ /^[ \t]*iface[ \t]+lo[ \t]|^[ \t]*auto[ \t]+lo[ \t\r]*$/) next
  sub(/^[ \t]+/, "")
  sub(/[ \t\r]+$/, "")
  print NR " " kind " " $0
}
'

SEEN=$'\n'

# take_file RANK KIND PATH MAX [STRIP OPTIONS]: adds one file and its bindings. MAX bounds the text in JSON.
take_file() {
  local rank=$1 kind=$2 path=$3 max=$4 json line number kind_of text bad
  shift 4
  case $SEEN in *$'\n'"$path"$'\n'*) return ;; esac
  SEEN="$SEEN$path"$'\n'
  if ! read_text "$path" $((max + 12000)) "$@"; then
    fail "file:$path" "$WHY"
    return
  fi
  if [ -z "$TEXT" ] && [ "$SIZE" != 0 ]; then return; fi
  split_escaped "$(printf '%s' "$TEXT" | escape "$max")"
  if [ "$CUT" = 1 ]; then SHORT=1; fi
  # q sets these too.
  text=$BODY bad=${BAD:-0}
  q "$path" 250
  json="{\"path\":$Q,\"kind\":\"$kind\",\"bytes\":$SIZE"
  if [ "$SHORT" = 1 ]; then json="$json,\"cut\":true"; fi
  if [ "${STRIPPED:-0}" != 0 ]; then json="$json,\"stripped\":$STRIPPED"; fi
  if [ "$bad" != 0 ]; then json="$json,\"lossy\":true"; fi
  case "$*" in
    *comments=1*) json="$json,\"without_comments\":true" ;;
    *only=*) json="$json,\"excerpt\":\"network\"" ;;
  esac
  add "$rank" files "$json,\"text\":\"$text\"}" "$path"
  case $kind in resolver | ntp | dhcp) return ;; esac
  q "$path" 250
  json=$Q
  local found=0 more=0
  while IFS=' ' read -r number kind_of line; do
    found=$((found + 1))
    if [ "$found" -gt 12 ]; then
      more=$((more + 1))
      continue
    fi
    q "$line" 240
    add 4 bindings "{\"path\":$json,\"line\":$number,\"by\":\"$kind_of\",\"text\":$Q}"
  done < <(printf '%s' "$TEXT" | awk "$BOUND")
  if [ "$more" != 0 ]; then lost bindings "$more"; fi
}

# group NAME RANK KIND MAX [STRIP OPTIONS] -- PATH...: files of a kind. Paths are without STAYPUT_ROOT; patterns were expanded with it.
group() {
  local name=$1 rank=$2 kind=$3 max=$4 path count=0 options=() taken=0
  shift 4
  while [ "$1" != -- ]; do
    options[${#options[@]}]=$1
    shift
  done
  shift
  for path in "$@"; do
    path=${path#"$ROOT"}
    case $path in
      *.rpmsave | *.rpmnew | *.rpmorig | *.bak | *~ | *.swp | *.dpkg-*) continue ;;
    esac
    state "$path"
    case $? in
      1) continue ;;
      2)
        fail "file:$path" 'its folder cannot be searched'
        continue
        ;;
    esac
    if [ -d "$ROOT$path" ]; then continue; fi
    count=$((count + 1))
    if [ "$taken" -ge 40 ]; then
      lost files 1
      continue
    fi
    taken=$((taken + 1))
    take_file "$rank" "$kind" "$path" "$max" ${options[@]+"${options[@]}"}
  done
  looked "$name" "$count"
}

# folders DIRECTORY...: names the folders that cannot be listed.
folders() {
  local folder
  for folder in "$@"; do
    if [ -d "$ROOT$folder" ] && { [ ! -r "$ROOT$folder" ] || [ ! -x "$ROOT$folder" ]; }; then
      fail "folder:$folder" 'permission denied'
    fi
  done
}

config_files() {
  local path found=() etc=$ROOT/etc run=$ROOT/run lib=$ROOT/usr/lib
  folders /etc/netplan /etc/network /etc/sysconfig/network-scripts /etc/sysconfig/network /etc/NetworkManager/system-connections \
    /etc/systemd/network /etc/udev/rules.d /run/systemd/network /run/NetworkManager/system-connections

  group netplan 2 netplan 4000 -v yaml=1 -- "$etc"/netplan/*.yaml "$run"/netplan/*.yaml "$ROOT"/lib/netplan/*.yaml
  group ifupdown 2 ifupdown 4000 -- "$etc/network/interfaces" "$etc"/network/interfaces.d/* "$run"/network/interfaces.d/*
  for path in "$etc"/sysconfig/network-scripts/{ifcfg,route,route6,rule,rule6}-*; do
    case $path in */ifcfg-lo) ;; *) found[${#found[@]}]=$path ;; esac
  done
  group ifcfg 2 ifcfg 2500 -- ${found[@]+"${found[@]}"} "$etc/sysconfig/static-routes"
  if [ -f "$etc/sysconfig/network" ]; then group sysconfig 3 ifcfg 1000 -- "$etc/sysconfig/network"; fi
  found=()
  for path in "$etc"/sysconfig/network/{ifcfg,ifroute,ifrule}-* "$etc"/sysconfig/network/routes "$etc"/wicked/ifconfig/*.xml; do
    case $path in */ifcfg-lo | */ifcfg.template) ;; *) found[${#found[@]}]=$path ;; esac
  done
  group wicked 2 wicked 2500 -- ${found[@]+"${found[@]}"}
  group wicked_options 8 wicked 1500 -v comments=1 -- "$etc"/sysconfig/network/{config,dhcp}
  group keyfile 2 keyfile 3000 -- {"$etc","$run","$lib"}/NetworkManager/system-connections/*
  group networkmanager 7 networkmanager 1500 -v comments=1 -- "$etc/NetworkManager/NetworkManager.conf" \
    {"$etc","$run","$lib"}/NetworkManager/conf.d/*.conf
  found=()
  for path in {"$etc","$run","$lib"}/systemd/network/*.{network,link,netdev} {"$etc","$run","$lib"}/systemd/network/*.d/*.conf; do
    case $path in
      "$lib"/*/99-default.link | "$lib"/*/73-usb-net-by-mac.link | "$lib"/*/80-container-* | "$lib"/*/80-wifi-* | "$lib"/*/80-6rd-*) ;;
      "$lib"/*/80-vm-* | "$lib"/*/80-iwd* | "$lib"/*/80-namespace-* | "$lib"/*/80-auto-link-local* | "$lib"/*/89-ethernet*) ;;
      *) found[${#found[@]}]=$path ;;
    esac
  done
  group networkd 2 networkd 2500 -- ${found[@]+"${found[@]}"}
  found=()
  for path in "$etc"/udev/rules.d/*.rules {"$ROOT/usr/lib","$ROOT/lib"}/udev/rules.d/*{persistent-net,ec2}*.rules; do
    case $path in
      *persistent-net* | *ec2* | *ifname* | *-net-* | *nic*) found[${#found[@]}]=$path ;;
      *)
        if [ -f "$path" ] && head -c 65536 -- "$path" 2>/dev/null | grep -aqE 'SUBSYSTEMS?=="net"|ATTRS?\{address\}'; then
          found[${#found[@]}]=$path
        elif [ -f "$path" ] && [ ! -r "$path" ]; then
          fail "file:${path#"$ROOT"}" 'permission denied'
        fi
        ;;
    esac
  done
  group udev 2 udev 3000 -v comments=1 -- ${found[@]+"${found[@]}"} "$etc/iftab" "$etc/mactab"
  group dhcp 7 dhcp 1200 -v comments=1 -- "$etc"/dhcp/dhclient*.conf "$etc"/dhclient*.conf "$etc/dhcpcd.conf"
  found=()
  for path in "$etc/cloud/cloud.cfg" "$etc"/cloud/cloud.cfg.d/*.cfg; do
    if [ -f "$path" ] && head -c 65536 -- "$path" 2>/dev/null | grep -aq '^network[[:blank:]]*:'; then
      found[${#found[@]}]=$path
    elif [ -f "$path" ] && [ ! -r "$path" ]; then
      fail "file:${path#"$ROOT"}" 'permission denied'
    fi
  done
  group cloud_init 4 cloud-init 2000 -v yaml=1 -v only=network -- ${found[@]+"${found[@]}"}
  group cloud_init_cache 5 cloud-init 2500 -- "$run/cloud-init/network-config.json" "$ROOT/var/lib/cloud/instance/network-config.json"
  group resolver 6 resolver 1000 -v comments=1 -- "$etc/resolv.conf" "$run/systemd/resolve/resolv.conf" \
    "$etc/systemd/resolved.conf" "$etc"/systemd/resolved.conf.d/*.conf "$etc"/resolvconf/resolv.conf.d/{head,base,tail}
  group ntp 6 ntp 1200 -v comments=1 -- "$etc/chrony.conf" "$etc/chrony/chrony.conf" "$etc"/chrony.d/*.conf \
    "$etc"/chrony/{conf,sources}.d/* "$run"/chrony.d/* "$run"/chrony-dhcp/* "$etc/ntp.conf" "$etc/ntpsec/ntp.conf" \
    "$etc/systemd/timesyncd.conf" "$etc"/systemd/timesyncd.conf.d/*.conf
}

hosts_file() {
  local line kept=0 all=0 more=0 size=0
  state /etc/hosts
  case $? in
    1)
      looked hosts 0
      return
      ;;
    2)
      fail file:/etc/hosts 'its folder cannot be searched'
      return
      ;;
  esac
  looked hosts 1
  if ! read_text /etc/hosts 262144; then
    fail file:/etc/hosts "$WHY"
    return
  fi
  if [ "$SHORT" = 1 ]; then lost 'hosts (bytes that were not read)' $((SIZE - 262144)); fi
  # Lines that every distribution has are left out.
  # shellcheck disable=SC2016
  while IFS= read -r line; do
    all=$((all + 1))
    if [ "$kept" -ge 200 ] || [ "$size" -ge 6000 ]; then
      more=$((more + 1))
      continue
    fi
    q "$line" 250
    kept=$((kept + 1))
    size=$((size + ${#Q} + 1))
    add 5 hosts "$Q"
  done < <(printf '%s' "$TEXT" | awk '
    { sub(/\r$/, ""); sub(/[ \t]*#.*$/, ""); gsub(/[ \t]+/, " "); sub(/^ /, "") }
    NF == 0 { next }
    {
      usual = ($1 == "127.0.0.1" || $1 == "::1" || $1 ~ /^f[ef]0[0-9]::[0-9]$/)
      for (i = 2; i <= NF; i++) if ($i !~ /^(localhost|localhost[46]|localhost[46]?\.localdomain[46]?|ip6-(localhost|loopback|localnet|mcastprefix|all(nodes|routers|hosts))|ipv6-(localhost|loopback|localnet|mcastprefix|allnodes|allrouters|allhosts))$/) usual = 0
      if (!usual) print
    }')
  if [ "$more" != 0 ]; then lost hosts "$more"; fi
}

# ---- the kernel's view ------------------------------------------------------------------------------------------------------------

# Addresses in current leases, each as " ADDRESS ".
LEASES=' '
leases() {
  local path now
  now=$(date -u '+%Y/%m/%d %H:%M:%S')
  for path in "$ROOT"/var/lib/dhcp/*.lease* "$ROOT"/var/lib/dhclient/*.lease* "$ROOT"/run/dhclient*.lease* \
    "$ROOT"/var/lib/NetworkManager/*.lease "$ROOT"/run/systemd/netif/leases/* "$ROOT"/var/lib/wicked/lease-*.xml; do
    if [ ! -f "$path" ] || [ ! -r "$path" ]; then continue; fi
    # A lease of dhclient that has expired is left out. The last lease of an address is the current one.
    # shellcheck disable=SC2016
    LEASES="$LEASES$(tail -c 65536 -- "$path" 2>/dev/null | tr -d '\000' | awk -v now="$now" '
      /^[ \t]*lease[ \t]*[{]/ { a = ""; gone = 0 }
      /^[ \t]*fixed-address/ { a = $2; sub(/;.*/, "", a) }
      /^[ \t]*expire[ \t]/ { e = $3 " " $4; sub(/;.*/, "", e); gone = ($2 != "never" && e < now) }
      /^[ \t]*[}]/ { if (a != "") on[a] = !gone; a = "" }
      /^(ADDRESS|IPADDR)=/ { a = $0; sub(/^[^=]*=/, "", a); gsub(/["\047\r]/, "", a); sub(/\/.*/, "", a); on[a] = 1; a = "" }
      /<address>/ { a = $0; sub(/.*<address>/, "", a); sub(/[\/<].*/, "", a); on[a] = 1; a = "" }
      END { for (a in on) if (on[a] && a ~ /^[0-9a-fA-F.:]+$/) printf "%s ", a }')"
  done
}

# Answers of ip, and why ip gave none.
LINKS='' ADDRESSES='' ROUTES4='' ROUTES6=''

# ip_says VARIABLE PART ARGUMENTS...
ip_says() {
  local variable=$1 part=$2 out
  shift 2
  out=$(limited 20 ip "$@" </dev/null 2>/dev/null | tr -d '\000' | head -c 1000000; exit "${PIPESTATUS[0]}") || fail "$part" "ip $* failed with status $?"
  printf -v "$variable" '%s' "$out"
}

# origin FAMILY ADDRESS WORDS...: sets ORIGIN and BY.
origin() {
  local family=$1 address=$2 word scope='' dynamic='' temporary=''
  shift 2
  ORIGIN='' BY=''
  for word in "$@"; do
    case $word in
      dynamic) dynamic=1 ;;
      mngtmpaddr | temporary) temporary=1 ;;
      link) scope='link' ;;
    esac
  done
  if [ "$family" = inet6 ] && [ "$scope" = link ]; then
    ORIGIN=link-local
  elif [ "$family" = inet6 ] && [ -n "$temporary" ]; then
    ORIGIN=ra
  elif [ -n "$dynamic" ]; then
    ORIGIN=dhcp BY=lifetime
  else
    case $LEASES in
      *" $address "*) ORIGIN=dhcp BY=lease ;;
      *) ORIGIN=static ;;
    esac
  fi
}

interfaces() {
  local line w name i mac mtu up master permanent device path driver kind lo_only word previous
  local addresses count more address family method physical=0 virtual=0
  if ! have ip; then
    fail interfaces 'the command ip was not found'
    for path in "$SYS"/class/net/*; do
      name=${path##*/}
      if [ "$name" = lo ]; then continue; fi
      q "$name"
      i=$Q
      qn "$(head -c 64 -- "$path/address" 2>/dev/null | tr -d '\000\n')"
      add 1 interfaces "{\"name\":$i,\"mac\":$Q,\"addresses\":null}"
    done
    return
  fi
  ip_says LINKS interfaces -o link show
  ip_says ADDRESSES addresses -o addr show
  ip_says ROUTES4 routes4 -4 route show table all
  ip_says ROUTES6 routes6 -6 route show table all
  leases
  while IFS= read -r line; do
    words "$line"
    w=("${W[@]}")
    name=${w[1]%:}
    name=${name%%@*}
    if [ -z "$name" ]; then continue; fi
    mac='' mtu='' up='' master='' permanent='' previous=''
    case ${w[2]} in *[\<,]UP[,\>]*) up=true ;; *) up=false ;; esac
    for word in "${w[@]}"; do
      case $previous in
        mtu) mtu=$word ;;
        master) master=$word ;;
        permaddr) permanent=$word ;;
        link/ether | '\link/ether' | link/infiniband) mac=$word ;;
      esac
      previous=$word
    done
    device='' path='' driver='' kind=''
    if [ -e "$SYS/class/net/$name" ]; then
      if [ -e "$SYS/class/net/$name/device" ]; then
        path=$(readlink -f -- "$SYS/class/net/$name/device" 2>/dev/null)
        device=${path##*/}
        path=$(readlink -f -- "$SYS/class/net/$name/device/driver" 2>/dev/null)
        driver=${path##*/}
        # A virtio device is below its PCI device.
        case $device in virtio*)
          path=$(readlink -f -- "$SYS/class/net/$name/device/.." 2>/dev/null)
          device=${path##*/}/$device
          ;;
        esac
      fi
      kind=$(grep -a '^DEVTYPE=' "$SYS/class/net/$name/uevent" 2>/dev/null | head -n 1)
      kind=${kind#DEVTYPE=}
    fi
    addresses='' count=0 more=0 method='' lo_only=1
    while IFS= read -r line; do
      words "$line"
      w=("${W[@]}")
      family=${w[2]} address=${w[3]}
      case $name,$address in
        lo,127.0.0.1/8 | lo,::1/128) continue ;;
      esac
      lo_only=0
      if [ "$count" -ge 64 ]; then
        more=$((more + 1))
        continue
      fi
      count=$((count + 1))
      origin "$family" "${address%/*}" "${w[@]:4}"
      case $family,$ORIGIN in
        *,link-local | inet6,ra) ;;
        *) case $method in
          '' | "$ORIGIN") method=$ORIGIN ;;
          *) method=mixed ;;
        esac ;;
      esac
      q "$address" 64
      line="{\"address\":$Q,\"origin\":\"$ORIGIN\""
      if [ -n "$BY" ]; then line="$line,\"by\":\"$BY\""; fi
      previous=
      for word in "${w[@]:4}"; do
        case $previous,$word in
          scope,*) if [ "$word" != global ] && [ "$word" != link ]; then
            q "$word"
            line="$line,\"scope\":$Q"
          fi ;;
          peer,*)
            q "$word"
            line="$line,\"peer\":$Q"
            ;;
          *,secondary) line="$line,\"secondary\":true" ;;
          *,deprecated) line="$line,\"deprecated\":true" ;;
          *,tentative) line="$line,\"tentative\":true" ;;
          *,dadfailed) line="$line,\"dad_failed\":true" ;;
        esac
        previous=$word
      done
      addresses="$addresses${addresses:+,}$line}"
    done < <(printf '%s\n' "$ADDRESSES" | awk -v name="$name" '$2 == name && ($3 == "inet" || $3 == "inet6")')
    if [ "$name" = lo ] && [ "$lo_only" = 1 ]; then continue; fi
    q "$name" 64
    line="{\"name\":$Q"
    qn "$mac" 64
    line="$line,\"mac\":$Q"
    if [ -n "$permanent" ] && [ "$permanent" != "$mac" ]; then
      q "$permanent" 64
      line="$line,\"permanent_mac\":$Q"
    fi
    number "$mtu"
    line="$line,\"up\":$up,\"mtu\":$N"
    for word in "master=$master" "kind=$kind" "driver=$driver" "device=$device"; do
      if [ -n "${word#*=}" ]; then
        q "${word#*=}" 80
        line="$line,\"${word%%=*}\":$Q"
      fi
    done
    qn "$method"
    line="$line,\"method\":$Q,\"addresses\":[$addresses]"
    if [ "$more" != 0 ]; then line="$line,\"more_addresses\":$more"; fi
    # shellcheck disable=SC2016,SC2046
    list $(printf '%s\n%s\n' "$ROUTES4" "$ROUTES6" | awk -v name="$name" '
      $1 == "default" || $1 == "nexthop" {
        via = ""; dev = ""; table = ""
        for (i = 1; i < NF; i++) {
          if ($i == "via") { via = $(i + 1); if (via == "inet6") via = $(i + 2) }
          if ($i == "dev") dev = $(i + 1)
          if ($i == "table") table = $(i + 1)
        }
        if (dev == name && via != "" && table == "" && !(via in seen)) { seen[via] = 1; print via }
      }' | head -n 8)
    line="$line,\"gateways\":$L}"
    case $device,$kind,$addresses in
      ?*,*,* | ,bond,* | ,vlan,* | ,bridge,?*)
        physical=$((physical + 1))
        add 1 interfaces "$line" "$name"
        ;;
      *)
        virtual=$((virtual + 1))
        if [ -n "$addresses" ] && [ "$virtual" -le 20 ]; then
          add 1 interfaces "$line" "$name"
        elif [ "$virtual" -le 40 ]; then
          add 8 interfaces "$line" "$name"
        else
          lost interfaces 1
        fi
        ;;
    esac
  done < <(printf '%s\n' "$LINKS")
}

# Routes and rules, as ip prints them.
routes() {
  local line rank count=0 more=0
  while IFS= read -r line; do
    line=${line%"${line##*[! ]}"}
    case $line in
      '' | *'table local'* | 'local '* | 'broadcast '* | 'multicast '* | 'ff00::/8 '* | 'anycast '*) continue ;;
      'fe80::/64 '* | 'unreachable default'*'table unspec'* | 'unreachable default dev lo'*) continue ;;
    esac
    rank=3
    case $line in
      *' table '*) rank=5 ;;
      default* | *' via '*) rank=1 ;;
      *'proto kernel'*) rank=4 ;;
    esac
    count=$((count + 1))
    if [ "$count" -gt 120 ]; then
      more=$((more + 1))
      continue
    fi
    q "$line" 200
    add "$rank" routes "$Q"
  done < <(printf '%s\n%s\n' "$ROUTES4" "$ROUTES6")
  if [ "$more" != 0 ]; then lost routes "$more"; fi
  count=0 more=0
  while IFS= read -r line; do
    case $line in
      '' | '0:'*'lookup local'* | '32766:'*'lookup main'* | '32767:'*'lookup default'*) continue ;;
    esac
    count=$((count + 1))
    if [ "$count" -gt 60 ]; then
      more=$((more + 1))
      continue
    fi
    q "${line//$'\t'/ }" 160
    add 5 rules "$Q"
  done < <(
    limited 10 ip -4 rule show </dev/null 2>/dev/null
    limited 10 ip -6 rule show </dev/null 2>/dev/null
  )
  if [ "$more" != 0 ]; then lost rules "$more"; fi
}

# nameservers PATH: sets SERVERS and SEARCH to JSON lists, or returns 1.
nameservers() {
  read_text "$1" 65536 || return 1
  # shellcheck disable=SC2046,SC2016
  list $(printf '%s' "$TEXT" | awk '$1 == "nameserver" && $2 ~ /^[0-9a-fA-F.:%a-z]+$/ { print $2 }' | head -n 12)
  SERVERS=$L
  # shellcheck disable=SC2046,SC2016
  list $(printf '%s' "$TEXT" | tr -d '*?[]' | awk '$1 == "search" || $1 == "domain" { for (i = 2; i <= NF; i++) print $i }' | head -n 12)
  SEARCH=$L
}

dns() {
  local json
  state /etc/resolv.conf
  case $? in
    1) DNS=null ;;
    *)
      if nameservers /etc/resolv.conf; then
        json="{\"servers\":$SERVERS,\"search\":$SEARCH"
        if [ -e "$ROOT/run/systemd/resolve/resolv.conf" ] && nameservers /run/systemd/resolve/resolv.conf; then
          json="$json,\"upstream\":$SERVERS"
        fi
        DNS="$json}"
      else
        fail dns "/etc/resolv.conf: $WHY"
        DNS=null
      fi
      ;;
  esac
}

# ---- drivers of the new platform --------------------------------------------------------------------------------------------------

VIRTIO='virtio_pci virtio_net virtio_scsi virtio_blk'

hex_at() { od -An -v -tx1 -j "$2" -N "$3" -- "$1" 2>/dev/null | tr -d ' \n'; }

# initramfs FILE: sets IR_READ (whole, part, no), IR_HAS (names of modules) and WHY. A file of this kind is a chain of cpio archives, the
# last one compressed. The names of modules are found behind the header of their entry, since other files in it list modules as text.
initramfs() {
  local file=$1 at=0 turns=0 magic header size names found tool='' pattern zeros
  IR_READ=no IR_HAS=' ' WHY=''
  pattern='07070[12][0-9A-Fa-f]{104}([A-Za-z0-9_./+@-]*/(virtio[a-z0-9_]*|nutanix[a-z0-9_]*)\.ko|TRAILER!!!)'
  while [ "$turns" -lt 64 ]; do
    turns=$((turns + 1))
    magic=$(hex_at "$file" "$at" 6)
    case $magic in
      3037303730[123]*)
        header=$(tail -c +$((at + 1)) -- "$file" 2>/dev/null | head -c 130 | tr -d '\000')
        case ${header:54:8}${header:94:8} in *[!0-9A-Fa-f]* | '') break ;; esac
        size=$((16#${header:54:8})) names=$((16#${header:94:8}))
        at=$((at + (110 + names + 3) / 4 * 4 + (size + 3) / 4 * 4))
        if [ "${header:110:10}" = 'TRAILER!!!' ]; then
          IR_READ=whole
          while zeros=$(od -An -v -tu1 -j "$at" -N 4096 -- "$file" 2>/dev/null |
            awk '{ for (i = 1; i <= NF; i++) { if ($i != 0) exit; n++ } } END { print n + 0 }') && [ "$zeros" -gt 0 ]; do
            at=$((at + zeros))
          done
        else
          IR_READ=part
        fi
        ;;
      1f8b*) tool='gzip -dc' ;;
      fd377a585a00) tool='xz -dc' ;;
      5d0000*) tool='xz -dc --format=lzma' ;;
      28b52ffd*) tool='zstd -dc' ;;
      02214c18* | 04224d18*) tool='lz4 -dc' ;;
      425a68*) tool='bzip2 -dc' ;;
      894c5a4f*) tool='lzop -dc' ;;
      *) break ;;
    esac
    if [ -n "$tool" ]; then break; fi
  done
  if [ -z "$tool" ]; then
    if [ "$IR_READ" = no ]; then
      WHY='its format is not known'
      return
    fi
    # Not compressed, or with too many entries to follow the chain.
    found=$(limited 30 grep -aoE "$pattern" -- "$file" </dev/null 2>/dev/null | sort -u)
    if [ "$IR_READ" = part ]; then WHY='only the parts that are not compressed were read'; fi
  elif ! have "${tool%% *}"; then
    WHY="${tool%% *} was not found"
    IR_READ=no
    return
  else
    IR_READ=no
    # shellcheck disable=SC2086
    found=$(tail -c +$((at + 1)) -- "$file" 2>/dev/null | limited 40 nice -n 19 $tool 2>/dev/null | grep -aoE "$pattern" | sort -u)
    # The last entry of an archive: everything before it was read.
    case $found in *'TRAILER!!!'*) IR_READ=whole ;; esac
    if [ "$at" -gt 0 ]; then
      found="$found
$(head -c "$at" -- "$file" 2>/dev/null | grep -aoE "$pattern" | sort -u)"
    fi
    if [ "$IR_READ" = no ]; then WHY="${tool%% *} failed, or took too long"; fi
  fi
  IR_HAS=" $(printf '%s\n' "$found" | sed -n 's/.*\/\([a-z0-9_]*\)\.ko$/\1/p' | sort -u | tr '\n' ' ')"
}

drivers() {
  local release running folder json modules name state_of path first=1 kernels='' chosen all count=0 missing
  running=$(uname -r)
  if [ -n "$ROOT" ] && [ -f "$ROOT/proc/sys/kernel/osrelease" ]; then running=$(head -c 200 "$ROOT/proc/sys/kernel/osrelease" | tr -d '\000\n'); fi
  all=$(for folder in "$ROOT"/lib/modules/*/ "$ROOT"/usr/lib/modules/*/; do
    folder=${folder%/}
    if [ -e "$folder/modules.dep" ] || [ -e "$folder/modules.builtin" ] || [ -d "$folder/kernel" ]; then printf '%s\n' "${folder##*/}"; fi
  done | sort -u)
  # The running kernel, and the newest one, which may be the next to start.
  chosen=$(
    printf '%s\n' "$all" | grep -axF -- "$running"
    printf '%s\n' "$all" | grep -avxF -- "$running" | sort -V 2>/dev/null | tail -n 1
  )
  while IFS= read -r release; do
    if [ -z "$release" ]; then continue; fi
    count=$((count + 1))
    folder=$ROOT/lib/modules/$release
    if [ ! -d "$folder" ]; then folder=$ROOT/usr/lib/modules/$release; fi
    modules='' missing=0
    for name in $VIRTIO; do
      if [ ! -r "$folder/modules.dep" ] && [ ! -r "$folder/modules.builtin" ]; then
        state_of=unknown
      elif grep -aq "/$name\.ko" "$folder/modules.builtin" 2>/dev/null; then
        state_of=builtin
      elif grep -aqE "(^|/)$name\.ko[.a-z0-9]*:" "$folder/modules.dep" 2>/dev/null; then
        state_of=module
        missing=1
      else
        state_of=absent
      fi
      modules="$modules${modules:+,}\"$name\":\"$state_of\""
    done
    q "$release" 120
    json="{\"release\":$Q,\"running\":$([ "$release" = "$running" ] && echo true || echo false),\"modules\":{$modules}"
    path=
    for name in "/boot/initramfs-$release.img" "/boot/initrd.img-$release" "/boot/initrd-$release"; do
      state "$name"
      case $? in
        0)
          path=$name
          break
          ;;
        2) fail "file:$name" 'its folder cannot be searched' ;;
      esac
    done
    if [ -n "$path" ]; then
      q "$path" 160
      json="$json,\"initramfs\":{\"path\":$Q"
      guest_path "$path"
      if [ ! -r "$REAL" ]; then
        fail "initramfs:$path" 'permission denied'
        IR_READ=no IR_HAS=' '
      elif late; then
        fail "initramfs:$path" 'no time was left'
        IR_READ=no IR_HAS=' '
      elif [ "$missing" = 0 ]; then
        # Nothing that matters is a module: no need to unpack it.
        IR_READ=skipped IR_HAS=' '
      else
        initramfs "$REAL"
        if [ -n "$WHY" ]; then fail "initramfs:$path" "$WHY"; fi
      fi
      json="$json,\"read\":\"$IR_READ\",\"modules\":{"
      first=1
      for name in $VIRTIO; do
        case $IR_HAS,$IR_READ in
          *" $name "*,*) state_of=present ;;
          *,whole) state_of=absent ;;
          *) state_of=unknown ;;
        esac
        if [ "$first" = 0 ]; then json="$json,"; fi
        first=0
        json="$json\"$name\":\"$state_of\""
      done
      json="$json}"
      case $IR_HAS in *nutanix*) json="$json,\"nutanix\":true" ;; esac
      json="$json}"
    else
      json="$json,\"initramfs\":null"
    fi
    kernels="$kernels${kernels:+,}$json}"
  done < <(printf '%s\n' "$chosen")
  all=$(printf '%s' "$all" | grep -ac .)
  if [ "$all" -gt "$count" ]; then lost kernels $((all - count)); fi
  if [ ! -e "$PROC/modules" ]; then
    L=null
  elif [ -r "$PROC/modules" ]; then
    # shellcheck disable=SC2046,SC2016
    list $(awk '$1 ~ /^(virtio[a-z_]*|ena|ixgbevf|xen_netfront|nvme|xen_blkfront|nutanix[a-z_]*)$/ { print $1 }' "$PROC/modules" 2>/dev/null)
  else
    fail modules "$PROC/modules cannot be read"
    L=null
  fi
  json="{\"kernels\":[$kernels],\"loaded\":$L"
  found=()
  for path in /usr/local/nutanix /opt/nutanix /etc/systemd/system/ngt_guest_agent.service /etc/init.d/ngt_guest_agent \
    /usr/lib/systemd/system/ngt_guest_agent.service; do
    if [ -e "$ROOT$path" ]; then found[${#found[@]}]=$path; fi
  done
  list ${found[@]+"${found[@]}"}
  add 3 drivers "$json,\"ngt\":$L}"
}

# ---- who uses the link-local services of EC2 --------------------------------------------------------------------------------------

SERVICES='169.254.169.254 169.254.169.253 169.254.169.123 169.254.169.250 169.254.169.251 fd00:ec2::254 fd00:ec2::253 fd00:ec2::123 fd00:ec2::250'
# 169.254.169.25 and 169.254.169.2540 are other addresses.
MENTION='(^|[^0-9.])169\.254\.169\.(123|25[0134])([^0-9.]|\.[^0-9]|\.?$)|(^|[^0-9a-fA-F:])[fF][dD]00:[eE][cC]2::(123|25[034])([^0-9a-fA-F:]|$)'

# mentioned TEXT: sets L to the list of the services in a text, and FIRST to the first one.
mentioned() {
  local address pattern found=()
  FIRST=
  shopt -s nocasematch
  for address in $SERVICES; do
    case $address in
      *:*) pattern="(^|[^0-9a-fA-F:])$address([^0-9a-fA-F:]|\$)" ;;
      *) pattern="(^|[^0-9.])${address//./\\.}([^0-9.]|\\.[^0-9]|\\.?\$)" ;;
    esac
    if [[ $1 =~ $pattern ]]; then
      found[${#found[@]}]=$address
      FIRST=${FIRST:-$address}
    fi
  done
  shopt -u nocasematch
  list ${found[@]+"${found[@]}"}
}

# excerpt TEXT: sets Q to the part of a text around the first service, without secrets, as JSON.
excerpt() {
  local text=$1 before
  if [ "${#text}" -gt 4000 ]; then
    Q=null
    return
  fi
  text=$(printf '%s\n' "$text" | awk "$STRIP")
  text=${text%$'\n'*}
  text=${text#"${text%%[! ]*}"}
  before=${text%%"$FIRST"*}
  if [ "${#before}" -lt "${#text}" ] && [ "${#before}" -gt 80 ]; then text=...${text:${#before}-60}; fi
  q "$text" 160
}

uses_in_files() {
  local places=() place path rest number previous='' same=0 count=0 more=0 status='' json
  for place in /etc /usr/local/bin /usr/local/sbin /usr/local/etc /usr/local/lib /opt /var/spool/cron /run/chrony.d /run/chrony-dhcp \
    /run/systemd/resolve /run/systemd/system /var/lib/cloud/scripts; do
    if [ -d "$ROOT$place" ]; then places[${#places[@]}]=$ROOT$place; fi
  done
  if [ "${#places[@]}" = 0 ]; then return; fi
  while IFS= read -r -d '' path && IFS= read -r rest; do
    if [ -z "${path#$'\n'}" ]; then
      # The last record.
      status=$rest
      continue
    fi
    number=${rest%%:*}
    rest=${rest#*:}
    path=${path#"$ROOT"}
    if [ "$path" = "$previous" ]; then same=$((same + 1)); else same=1; fi
    previous=$path
    if [ "$same" -gt 5 ] || [ "$count" -ge 60 ]; then
      more=$((more + 1))
      continue
    fi
    mentioned "$rest"
    if [ -z "$FIRST" ]; then continue; fi
    count=$((count + 1))
    number "$number"
    json="{\"where\":\"file\",\"addresses\":$L,\"line\":$N"
    excerpt "$rest"
    json="$json,\"text\":$Q"
    q "$path" 250
    add 5 uses "$json,\"path\":$Q}"
  done < <(
    limited 25 find "${places[@]}" -xdev -maxdepth 4 \( -path '*/ssl/certs' -o -path '*/pki' -o -path '*/alternatives' -o -path '*/selinux' \) \
      -prune -o -type f -size -256k -print0 2>/dev/null </dev/null |
      limited 25 xargs -0 nice -n 19 grep -nIEZH -e "$MENTION" -- 2>/dev/null | head -c 400000
    printf '\n\000%s\n' "${PIPESTATUS[*]}"
  )
  case $status in
    124* | *' 124 '*) fail uses:files 'the search of /etc, /opt and /usr/local was ended after 25 s' ;;
    '' | 141* | *' 141 '*) fail uses:files 'more than 400,000 bytes mention a service: the rest was not read' ;;
  esac
  if [ "$more" != 0 ]; then lost uses "$more"; fi
}

uses_in_sockets() {
  local line w address peer pattern name pid seen=$'\n' key sockets=0
  if have ss; then
    while IFS= read -r line; do
      words "$line"
      w=("${W[@]}")
      peer=${w[5]:-}
      peer=${peer//[\[\]]/}
      address=${peer%:*}
      address=${address%%%*}
      case " $SERVICES " in *" $address "*) ;; *) continue ;; esac
      name='' pid=''
      pattern='users:\(\("([^"]*)",pid=([0-9]+)'
      if [[ $line =~ $pattern ]]; then
        name=${BASH_REMATCH[1]}
        pid=${BASH_REMATCH[2]}
      fi
      key="${w[0]} $peer $name"
      case $seen in *$'\n'"$key"$'\n'*) continue ;; esac
      seen="$seen$key"$'\n'
      sockets=$((sockets + 1))
      if [ "$sockets" -gt 30 ]; then
        lost uses 1
        continue
      fi
      qn "$name"
      line="{\"where\":\"socket\",\"addresses\":[\"$address\"],\"process\":$Q"
      number "$pid"
      q "${w[0]}" 20
      line="$line,\"pid\":$N,\"protocol\":$Q"
      q "${w[1]}" 20
      line="$line,\"state\":$Q"
      number "${peer##*:}"
      add 5 uses "$line,\"port\":$N}"
    done < <(limited 15 ss -tunap </dev/null 2>/dev/null | tr -d '\000')
    return
  fi
  if [ ! -r "$PROC/net/tcp" ]; then
    fail uses:sockets "ss was not found, and $PROC/net/tcp cannot be read"
    return
  fi
  # Addresses in these tables are in the byte order of the machine, which is little-endian on EC2.
  while read -r key address pid; do
    line="{\"where\":\"socket\",\"addresses\":[\"$address\"],\"process\":null,\"pid\":null,\"protocol\":\"$key\",\"port\":$((16#$pid))}"
    case $seen in *$'\n'"$line"$'\n'*) continue ;; esac
    seen="$seen$line"$'\n'
    add 5 uses "$line"
  done < <(for name in tcp udp; do
    # shellcheck disable=SC2016
    head -c 2000000 -- "$PROC/net/$name" 2>/dev/null | awk -v name="$name" '
      BEGIN { a["FEA9FEA9"] = 254; a["FDA9FEA9"] = 253; a["7BA9FEA9"] = 123; a["FAA9FEA9"] = 250; a["FBA9FEA9"] = 251 }
      { split($3, p, ":"); if (p[1] in a) print name, "169.254.169." a[p[1]], p[2] }'
  done | head -n 30)
}

uses_in_processes() {
  local path pid name arg count=0 line
  while IFS= read -r path; do
    pid=${path%/cmdline}
    pid=${pid##*/}
    if [ "$pid" = "$$" ] || [ "$pid" = "$PPID" ] || [ "$pid" = "${BASHPID:-}" ]; then continue; fi
    name=$(head -c 100 -- "$PROC/$pid/comm" 2>/dev/null | tr -d '\000\n')
    # This script's own helpers have the pattern in their arguments.
    case $name in grep | find | xargs | awk | mawk | gawk) continue ;; esac
    arg=$(head -c 20000 -- "$path" 2>/dev/null | tr '\000' '\n' | grep -aE -m 1 -e "$MENTION")
    mentioned "$arg"
    if [ -z "$FIRST" ]; then continue; fi
    count=$((count + 1))
    if [ "$count" -gt 20 ]; then
      lost uses 1
      continue
    fi
    number "$pid"
    line="{\"where\":\"process\",\"addresses\":$L,\"pid\":$N"
    excerpt "$arg"
    line="$line,\"text\":$Q"
    qn "$name" 60
    add 5 uses "$line,\"process\":$Q}"
  done < <(limited 10 grep -lazE -e "$MENTION" -- "$PROC"/[0-9]*/cmdline </dev/null 2>/dev/null | head -n 200)
}

# Programs that are known to use instance metadata, whatever their configuration says.
uses_of_agents() {
  local pair path
  for pair in amazon-ssm-agent:/usr/bin/amazon-ssm-agent amazon-ssm-agent:/snap/amazon-ssm-agent \
    amazon-cloudwatch-agent:/opt/aws/amazon-cloudwatch-agent ecs-agent:/usr/libexec/amazon-ecs-init ecs-agent:/var/lib/ecs \
    codedeploy-agent:/opt/codedeploy-agent hibinit-agent:/usr/bin/hibinit-agent ec2-instance-connect:/opt/aws/bin/eic_run_authorized_keys \
    ec2-instance-connect:/usr/share/ec2-instance-connect nm-cloud-setup:/usr/libexec/nm-cloud-setup \
    ec2-net-utils:/etc/sysconfig/network-scripts/ec2net-functions amazon-ec2-net-utils:/usr/share/amazon-ec2-net-utils \
    cloud-netconfig:/etc/netconfig.d/cloud-netconfig cloud-init:/usr/bin/cloud-init awslogs:/var/awslogs; do
    path=${pair#*:}
    if [ -e "$ROOT$path" ] || [ -L "$ROOT$path" ]; then
      add 6 uses "{\"where\":\"agent\",\"addresses\":[\"169.254.169.254\"],\"process\":\"${pair%%:*}\",\"path\":\"$path\"}"
    fi
  done
}

# ---- instance metadata, version 2 -------------------------------------------------------------------------------------------------

# http_raw METHOD URL HEADER: for guests without curl. Sets CODE and REPLY_BODY.
http_raw() {
  local url=${2#http://} host port path out
  path=/${url#*/}
  host=${url%%/*}
  port=80
  case $host in *:*)
    port=${host##*:}
    host=${host%:*}
    ;;
  esac
  # shellcheck disable=SC2016
  out=$(printf '%s %s HTTP/1.0\r\nHost: %s\r\nContent-Length: 0\r\n%s\r\n\r\n' "$1" "$path" "$host" "$3" |
    limited 6 bash -c 'exec 3<>"/dev/tcp/$1/$2" || exit 7; cat >&3; cat <&3' stayput "$host" "$port" 2>/dev/null | head -c 65536 | tr -d '\000\r')
  CODE=${out#* }
  CODE=${CODE:0:3}
  REPLY_BODY=
  case $out in *$'\n\n'*) REPLY_BODY=${out#*$'\n\n'} ;; esac
}

# metadata METHOD PATH HEADER: sets CODE (000 without an answer) and REPLY_BODY. The header is not an argument: other users see those.
metadata() {
  local out
  CODE=000 REPLY_BODY=
  if have curl; then
    out=$(printf 'header = "%s"\n' "$3" | curl -q -s -K - -X "$1" --noproxy '*' --connect-timeout 2 --max-time 5 -w '\n%{http_code}' \
      "$IMDS$2" 2>/dev/null | head -c 65536 | tr -d '\000\r')
    CODE=${out##*$'\n'}
    REPLY_BODY=${out%$'\n'*}
  else
    case $IMDS in http://*) http_raw "$1" "$IMDS$2" "$3" ;; esac
  fi
  case $CODE in
    [1-5][0-9][0-9]) ;;
    *) CODE=000 ;;
  esac
}

TOKEN=
get() { metadata GET "$1" "X-aws-ec2-metadata-token: $TOKEN"; }

# member NAME: sets M to a string member of the JSON in REPLY_BODY.
member() {
  local pattern="\"$1\"[[:space:]]*:[[:space:]]*\"([^\"\\\\]*)\""
  M=
  if [[ $REPLY_BODY =~ $pattern ]]; then M=${BASH_REMATCH[1]}; fi
}

reason() {
  case $CODE in
    000) WHY='no answer from the instance metadata service' ;;
    403) WHY="HTTP 403: the instance metadata service is off, or a firewall of the guest forbids it" ;;
    *) WHY="HTTP $CODE" ;;
  esac
}

INSTANCE_ID='' REGION='' PRIVATE_IP='' NAME='' NAME_FROM=''
identity() {
  local name value pattern
  IDENTITY=null
  metadata PUT /latest/api/token 'X-aws-ec2-metadata-token-ttl-seconds: 300'
  case $CODE,$REPLY_BODY in
    200,*[!A-Za-z0-9+/=_-]* | 200,)
      fail identity 'the token of the instance metadata service is not one'
      ;;
    200,*) TOKEN=$REPLY_BODY ;;
    *)
      reason
      fail identity "token: $WHY"
      ;;
  esac
  if [ -n "$TOKEN" ]; then
    get /latest/dynamic/instance-identity/document
    if [ "$CODE" = 200 ]; then
      IDENTITY=
      for name in 'instanceId:INSTANCE_ID:^i-[0-9a-f]+$:instance_id' 'region:REGION:^[a-z0-9-]+$:region' 'accountId::^[0-9]+$:account' \
        'availabilityZone::^[a-z0-9-]+$:zone' 'privateIp:PRIVATE_IP:^[0-9.]+$:private_ip'; do
        member "${name%%:*}"
        value=${name#*:}
        pattern=${value#*:}
        pattern=${pattern%:*}
        if [[ $M =~ $pattern ]] && [ "${#M}" -lt 64 ]; then
          if [ -n "${value%%:*}" ]; then printf -v "${value%%:*}" '%s' "$M"; fi
          q "$M"
        else
          fail identity "the identity document has no valid ${name%%:*}"
          Q=null
        fi
        IDENTITY="$IDENTITY${IDENTITY:+,}\"${name##*:}\":$Q"
      done
      IDENTITY="{$IDENTITY}"
    else
      reason
      fail identity "document: $WHY"
    fi
    get /latest/meta-data/tags/instance/Name
    case $CODE in
      200)
        NAME=$REPLY_BODY
        NAME_FROM=tag
        ;;
      404) ;;
      *)
        reason
        fail name "tags: $WHY"
        ;;
    esac
  fi
  if [ -z "$NAME" ]; then
    NAME=$(uname -n)
    NAME_FROM=hostname
  fi
}

system() {
  local id='' version='' pretty='' path json
  for path in /etc/os-release /usr/lib/os-release; do
    if [ -e "$ROOT$path" ] || [ -L "$ROOT$path" ]; then
      if read_text "$path" 8192; then
        # shellcheck disable=SC2016
        local value='{ v = $0; sub(/^[^=]*=/, "", v); gsub(/["\047\r]/, "", v); print v; exit }'
        id=$(printf '%s' "$TEXT" | awk "/^ID=/ $value")
        version=$(printf '%s' "$TEXT" | awk "/^VERSION_ID=/ $value")
        pretty=$(printf '%s' "$TEXT" | awk "/^PRETTY_NAME=/ $value")
        break
      else
        fail "file:$path" "$WHY"
      fi
    fi
  done
  qn "$id" 40
  json="{\"id\":$Q"
  qn "$version" 40
  json="$json,\"version\":$Q"
  qn "$pretty" 100
  json="$json,\"name\":$Q"
  q "$(uname -r)" 100
  json="$json,\"kernel\":$Q"
  q "$(uname -m)" 30
  json="$json,\"arch\":$Q"
  q "$(uname -n)" 100
  json="$json,\"hostname\":$Q"
  json="$json,\"root\":$([ "$(id -u)" = 0 ] && echo true || echo false)"
  # Interface names and addresses can be set on the kernel's command line.
  if [ ! -e "$PROC/cmdline" ]; then
    json="$json,\"cmdline\":null"
  elif [ -r "$PROC/cmdline" ]; then
    # shellcheck disable=SC2046,SC2016
    list $(head -c 8192 "$PROC/cmdline" | tr -d '\000*?[]' | tr ' ' '\n' |
      awk '/^(net\.ifnames|biosdevname|ip|ifname|BOOTIF|bootdev|nameserver|rd\.route|vlan|bond|ds|network-config)=/' | head -n 12)
    json="$json,\"cmdline\":$L"
  else
    fail cmdline "$PROC/cmdline cannot be read"
  fi
  SYSTEM="$json}"
}

# ---- output -----------------------------------------------------------------------------------------------------------------------

# fit: keeps the items that fit, the most important first, and sets DOCUMENT to the members of the result.
fit() {
  local rank i j used kept=() failed='' more=0 fixed all section dropped='' paths count first entry item
  for item in "${FAILED[@]}"; do
    if [ $((${#failed} + ${#item})) -gt 3000 ]; then more=$((more + 1)); else failed="$failed${failed:+,}$item"; fi
  done
  if [ "$more" != 0 ]; then failed="$failed,{\"part\":\"failed\",\"why\":\"$more more failures are not listed\"}"; fi
  fixed="\"stayput_guest\":1,\"os\":\"linux\",\"captured_at\":\"$NOW\",\"identity\":$IDENTITY,\"system\":$SYSTEM,\"dns\":$DNS,\"looked\":{$LOOKED}"
  # For the names of the sections, the dropped items and the row.
  used=$((${#fixed} + ${#failed} + 3000))
  for rank in 1 2 3 4 5 6 7 8; do
    i=0
    while [ "$i" -lt "${#ITEMS[@]}" ]; do
      if [ "${RANKS[$i]}" = "$rank" ]; then
        if [ $((used + ${#ITEMS[$i]} + 1)) -le "$LIMIT" ]; then
          used=$((used + ${#ITEMS[$i]} + 1))
          kept[i]=1
        else
          kept[i]=0
        fi
      fi
      i=$((i + 1))
    done
  done
  DOCUMENT=$fixed
  for section in interfaces routes rules hosts files bindings drivers uses; do
    all='' paths='' count=0 first=1
    i=0
    while [ "$i" -lt "${#ITEMS[@]}" ]; do
      if [ "${SECTIONS[$i]}" = "$section" ]; then
        if [ "${kept[$i]}" = 1 ]; then
          all="$all${all:+,}${ITEMS[$i]}"
        else
          count=$((count + 1))
          if [ -n "${LABELS[$i]}" ] && [ "${#paths}" -lt 900 ]; then
            q "${LABELS[$i]}" 120
            paths="$paths${paths:+,}$Q"
          fi
        fi
      fi
      i=$((i + 1))
    done
    if [ "$section" = drivers ]; then DOCUMENT="$DOCUMENT,\"drivers\":${all:-null}"; else DOCUMENT="$DOCUMENT,\"$section\":[$all]"; fi
    j=0
    while [ "$j" -lt "${#LOST_SECTIONS[@]}" ]; do
      if [ "${LOST_SECTIONS[$j]}" = "$section" ]; then count=$((count + LOST_COUNTS[j])); fi
      j=$((j + 1))
    done
    if [ "$count" != 0 ]; then
      entry="{\"section\":\"$section\",\"count\":$count"
      if [ -n "$paths" ]; then entry="$entry,\"which\":[$paths]"; fi
      dropped="$dropped${dropped:+,}$entry}"
    fi
  done
  j=0
  while [ "$j" -lt "${#LOST_SECTIONS[@]}" ]; do
    case ${LOST_SECTIONS[$j]} in
      interfaces | routes | rules | hosts | files | bindings | drivers | uses) ;;
      *) dropped="$dropped${dropped:+,}{\"section\":\"${LOST_SECTIONS[$j]}\",\"count\":${LOST_COUNTS[$j]}}" ;;
    esac
    j=$((j + 1))
  done
  DOCUMENT="$DOCUMENT,\"dropped\":[$dropped]"
  FAILED_TEXT=$failed
}

# ---- the row in DynamoDB ----------------------------------------------------------------------------------------------------------

sha256() {
  local out
  if have openssl; then out=$(openssl dgst -sha256 2>/dev/null); else out=$(sha256sum); out=${out%% *}; fi
  printf '%s' "${out##* }"
}

to_hex() { od -An -v -tx1 | tr -d ' \n'; }

# hmac KEY MESSAGE: prints HMAC-SHA256 in hexadecimal. The key, in hexadecimal, is never an argument of a program: other users see those.
hmac() {
  local key=$1 i=0 byte inner='' outer='' digest
  if [ "${#key}" -gt 128 ]; then
    while [ "$i" -lt "${#key}" ]; do
      inner="$inner\\x${key:i:2}"
      i=$((i + 2))
    done
    key=$(printf '%b' "$inner" | sha256)
    inner='' i=0
  fi
  while [ "$i" -lt 64 ]; do
    byte=${key:i*2:2}
    byte=$((16#${byte:-0}))
    printf -v digest '\\x%02x' $((byte ^ 0x36))
    inner="$inner$digest"
    printf -v digest '\\x%02x' $((byte ^ 0x5c))
    outer="$outer$digest"
    i=$((i + 1))
  done
  digest=$({ printf '%b' "$inner"; printf '%s' "$2"; } | sha256)
  i=0
  while [ "$i" -lt 64 ]; do
    outer="$outer\\x${digest:i:2}"
    i=$((i + 2))
  done
  printf '%b' "$outer" | sha256
}

# row DOCUMENT: writes the row. Sets ROW to its outcome, and ROW_WHY if it failed.
row() {
  local table=$STAYPUT_TABLE region=${STAYPUT_TABLE_REGION:-$REGION} url host role access secret session now day scope body item
  local request string key signature headers out code pattern message
  ROW_WHY=
  pattern='^[A-Za-z0-9_.:/-]+$'
  if ! [[ $table =~ $pattern ]]; then ROW_WHY='STAYPUT_TABLE is not the name of a table' && return; fi
  pattern='^[a-z0-9-]+$'
  if ! [[ $region =~ $pattern ]]; then ROW_WHY='the region of the table is not known' && return; fi
  if [ -z "$INSTANCE_ID" ]; then ROW_WHY='the instance id is not known' && return; fi
  for item in curl sha256sum; do
    if ! have "$item"; then
      if [ "$item" = sha256sum ] && have openssl; then continue; fi
      ROW_WHY="$item was not found" && return
    fi
  done
  get /latest/meta-data/iam/security-credentials/
  role=${REPLY_BODY%%$'\n'*}
  pattern='^[A-Za-z0-9+=,.@_-]+$'
  if [ "$CODE" = 404 ] || { [ "$CODE" = 200 ] && [ -z "$role" ]; }; then ROW_WHY='the instance has no role' && return; fi
  if [ "$CODE" != 200 ] || ! [[ $role =~ $pattern ]]; then reason && ROW_WHY="role: $WHY" && return; fi
  get "/latest/meta-data/iam/security-credentials/$role"
  if [ "$CODE" != 200 ]; then reason && ROW_WHY="credentials: $WHY" && return; fi
  member AccessKeyId && access=$M
  member SecretAccessKey && secret=$M
  member Token && session=$M
  pattern='^[A-Za-z0-9+/=]+$'
  if ! [[ $access =~ $pattern && $secret =~ $pattern && $session =~ $pattern ]]; then
    ROW_WHY='the credentials of the role are not complete' && return
  fi

  url=https://dynamodb.$region.amazonaws.com
  case $region in cn-*) url=$url.cn ;; esac
  url=${STAYPUT_DYNAMODB:-$url}
  url=${url%/}
  host=${url#*://}
  host=${host%%/*}
  q "$INSTANCE_ID"
  body="{\"TableName\":\"$table\",\"Item\":{\"InstanceId\":{\"S\":$Q}"
  q "$NAME" 1000
  body="$body,\"InstanceName\":{\"S\":$Q}"
  if [ -n "$PRIVATE_IP" ]; then body="$body,\"PrivateIp\":{\"S\":\"$PRIVATE_IP\"}"; fi
  body="$body,\"Captured\":{\"S\":\"$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')\"}}}"

  now=$(date -u +%Y%m%dT%H%M%SZ)
  day=${now%%T*}
  scope=$day/$region/dynamodb/aws4_request
  headers='content-type;host;x-amz-date;x-amz-security-token;x-amz-target'
  printf -v request 'POST\n/\n\ncontent-type:application/x-amz-json-1.0\nhost:%s\nx-amz-date:%s\nx-amz-security-token:%s\nx-amz-target:DynamoDB_20120810.PutItem\n\n%s\n%s' \
    "$host" "$now" "$session" "$headers" "$(printf '%s' "$body" | sha256)"
  printf -v string 'AWS4-HMAC-SHA256\n%s\n%s\n%s' "$now" "$scope" "$(printf '%s' "$request" | sha256)"
  key=$(printf '%s' "AWS4$secret" | to_hex)
  for item in "$day" "$region" dynamodb aws4_request "$string"; do key=$(hmac "$key" "$item"); done
  signature=$key
  pattern='^[0-9a-f]{64}$'
  if ! [[ $signature =~ $pattern ]]; then ROW_WHY='the request could not be signed' && return; fi

  # Repeating the request is safe: it writes the same row.
  for item in 1 2; do
    out=$(printf '%s' "$body" | curl -q -s -K /dev/fd/3 -X POST --data-binary @- --connect-timeout 5 --max-time 20 -w '\n%{http_code}' "$url/" 2>/dev/null \
      3< <(printf 'header = "%s"\n' 'Content-Type: application/x-amz-json-1.0' "X-Amz-Date: $now" "X-Amz-Security-Token: $session" \
        'X-Amz-Target: DynamoDB_20120810.PutItem' 'Expect:' \
        "Authorization: AWS4-HMAC-SHA256 Credential=$access/$scope, SignedHeaders=$headers, Signature=$signature") |
      head -c 65536 | tr -d '\000\r')
    code=${out##*$'\n'}
    REPLY_BODY=${out%$'\n'*}
    case $code in 000 | '' | 5*) if [ "$item" = 1 ]; then sleep 1; fi ;; *) break ;; esac
  done
  q "$table" 200
  message="\"table\":$Q,\"region\":\"$region\",\"name_from\":\"$NAME_FROM\""
  if [ "$code" = 200 ]; then
    ROW="{\"written\":true,$message}"
    return
  fi
  case $code in
    [1-5][0-9][0-9])
      member __type
      ROW_WHY="HTTP $code ${M##*#}"
      member message
      if [ -z "$M" ]; then member Message; fi
      ROW_WHY="$ROW_WHY ${M:0:200}"
      ;;
    *) ROW_WHY="no answer from $host" ;;
  esac
}

main() {
  local missing=
  exec </dev/null
  for missing in awk od head tail tr sed sort stat; do
    if ! have "$missing"; then
      printf '%s\n' "{\"stayput_guest\":1,\"os\":\"linux\",\"failed\":[{\"part\":\"all\",\"why\":\"$missing was not found\"}]}"
      exit 1
    fi
  done
  NOW=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  # Before this script opens connections of its own.
  uses_in_sockets
  identity
  system
  interfaces
  routes
  dns
  config_files
  hosts_file
  drivers
  uses_in_processes
  uses_of_agents
  if late; then fail uses:files 'no time was left'; else uses_in_files; fi
  fit
  ROW=null
  if [ -n "${STAYPUT_TABLE:-}" ]; then
    row "{$DOCUMENT,\"failed\":[$FAILED_TEXT]}"
    if [ -n "$ROW_WHY" ]; then
      q "$ROW_WHY" 300
      ROW="{\"written\":false,\"why\":$Q}"
      FAILED_TEXT="$FAILED_TEXT${FAILED_TEXT:+,}{\"part\":\"row\",\"why\":$Q}"
    fi
  fi
  printf '{%s,"failed":[%s],"row":%s}\n' "$DOCUMENT" "$FAILED_TEXT" "$ROW"
  exit 0
}

main
