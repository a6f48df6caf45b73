#!/usr/bin/env bash
# What only a GPU can show, in one command: within ten minutes, without a network.
#   tests/bench/gpu.sh [FOLDER]      FOLDER: a checkout of StreamDiffusion, for the rungs B1 and B2
# A clean memory under compute-sanitizer and replay against eager, then `hypermnesia bench gpu`: the cheapest first, each
# figure written to tests/bench/gpu-KIND.json when it is known, so that a run that is cut short loses nothing. What is
# compiled is kept; a second run finds it. Without a GPU the same lines run at small size in 90 seconds.
# SECONDS_IN_ALL=570 gives it another budget, JSON=FILE another place.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=${PYTHON:-.venv/bin/python}
export HF_HUB_OFFLINE=1 PYTHONPATH=$PWD
kind=$("$python" -c 'import torch; print("gpu" if torch.cuda.is_available() else "cpu")')
all=${SECONDS_IN_ALL:-$([ "$kind" = gpu ] && echo 570 || echo 85)}
path='from engine.bench.picture import short; print("short run:", short())'

if [ "$kind" = gpu ] && command -v compute-sanitizer >/dev/null; then
  timeout 60 compute-sanitizer --tool memcheck --error-exitcode 3 "$python" -c "$path" || echo "compute-sanitizer: ended with $?"
elif [ "$kind" = gpu ]; then
  echo "compute-sanitizer: not here (it comes with the CUDA toolkit)"
  "$python" -c "$path"
fi
left=$((all - SECONDS))
timeout $((left + 15)) "$python" -m engine bench gpu ${1:+"$1"} --seconds "$left" --json "${JSON:-tests/bench/gpu-$kind.json}"
