# Sourced by run and test: brings a bare Debian or Ubuntu machine to a venv with the package in it.
# Done before, it costs a second: a stamp holds the digest of everything that decides what is installed.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$top/.venv
unset PYTHONDONTWRITEBYTECODE  # what was imported once is compiled once
say() { printf '\033[2m%s\033[0m\n' "$*" >&2; }
fail() { printf '\n%s\n' "$*" >&2; exit 1; }

# system_packages NAME...: install what dpkg does not have yet
system_packages() {
  command -v dpkg-query >/dev/null || {
    say "this is no Debian or Ubuntu; please see to it that these are here: $*"
    return 0
  }
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "these system packages are missing: ${missing[*]}
Install them as root (apt-get install ${missing[*]}), then start again."
    root=(sudo)
  fi
  say "installing system packages: ${missing[*]}"
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq || fail "apt-get update failed: is there a network?"
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    fail "apt-get could not install: ${missing[*]}"
}

# find_python: the first Python from 3.11 to 3.13 that can make a venv
find_python() {
  local name
  for name in python3.12 python3.11 python3.13 python3; do
    command -v $name >/dev/null &&
      $name -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null &&
      { command -v $name; return 0; }
  done
  return 1
}

# torch_for_this_machine: the build for its GPU where there is one, the CPU's otherwise. A wheel folder or a mirror that
# pip is set up with wins; else uv knows where PyTorch keeps the build that fits the driver.
torch_for_this_machine() {
  local pin gpu=0
  pin=$(grep -E '^torch==' "$top/install/constraints.txt")
  command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q GPU && gpu=1
  "$venv/bin/python" - "$pin" <<'PY' 2>/dev/null && return 0
import importlib.metadata as m, sys
sys.exit(m.version("torch").split("+")[0] != sys.argv[1].split("==")[1])
PY
  local found
  found=$("$venv/bin/pip" install -q --dry-run --no-deps --ignore-installed --report - "$pin" 2>/dev/null |
    "$venv/bin/python" -c 'import json,sys; print(json.load(sys.stdin)["install"][0]["metadata"]["version"])' 2>/dev/null || true)
  if [ $gpu = 0 ] && [[ $found == *+cpu* ]]; then
    say "installing torch for the CPU"
    "$venv/bin/pip" install -q --no-compile -c "$top/install/constraints.txt" "$pin" || fail "torch could not be installed"
  else
    say "installing torch ($([ $gpu = 1 ] && echo 'for the NVIDIA GPU' || echo 'for the CPU')); some minutes"
    "$venv/bin/pip" install -q uv
    VIRTUAL_ENV=$venv "$venv/bin/uv" pip install -q --torch-backend "$([ $gpu = 1 ] && echo auto || echo cpu)" "$pin" ||
      "$venv/bin/pip" install -q --no-compile -c "$top/install/constraints.txt" "$pin" || fail "torch could not be installed: is there a network?"
  fi
}

# python_package EXTRAS: the venv with the package, editable, and what it needs. Modules are compiled when they are first
# imported: of ten thousand few ever are, and compiling all of them takes longer than everything else here.
python_package() {
  local extras=$1 stamp digest
  stamp=$venv/.installed
  digest=$(cat "$top/pyproject.toml" "$top/install/constraints.txt" "$top/install/setup.sh" | sha256sum | cut -c1-16)
  if [ -f "$stamp" ] && grep -q "^$digest ${extras:-none}\$\|^$digest test\$" "$stamp"; then return 0; fi
  local python
  python=$(find_python) || { system_packages python3 python3-venv python3-pip; python=$(find_python); } ||
    fail "Python 3.11, 3.12 or 3.13 is needed; found $(python3 --version 2>&1). On Ubuntu 22.04: apt-get install python3.11-venv"
  [ -x "$venv/bin/pip" ] || { say "making a venv"; "$python" -m venv "$venv" || fail "no venv could be made in $venv"; }
  "$venv/bin/pip" install -q --upgrade pip 2>/dev/null || true
  torch_for_this_machine
  say "installing hypermnesia and what it needs"
  "$venv/bin/pip" install -q --no-compile -c "$top/install/constraints.txt" -e "$top${extras:+[$extras]}" ||
    fail "the Python packages could not be installed: is there a network?"
  echo "$digest ${extras:-none}" >> "$stamp"
}

needed=(libegl1 libgl1 libgl1-mesa-dri libglx-mesa0 libportaudio2 libasound2-plugins)
