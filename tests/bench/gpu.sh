#!/usr/bin/env bash
# What only a GPU can show, in one command: within 8 minutes, without a network.
#   tests/bench/gpu.sh [FOLDER]      a checkout of StreamDiffusion for the rungs B1 and B2; SECONDS_EACH=300 for the ladder
# Replay against eager and a clean memory under compute-sanitizer, then the ladder B0-B4 for SD-Turbo and SDXL-Turbo, both
# at 512 x 512 with random weights and prompts at 4 Hz. Figures: tests/bench/ladder-KIND.json. Without a GPU the same
# lines run at small size, and what does not apply says so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=${PYTHON:-.venv/bin/python}
export HF_HUB_OFFLINE=1 PYTHONPATH=$PWD
kind=$("$python" -c 'import torch; print("gpu" if torch.cuda.is_available() else "cpu")')
path='from engine.bench.picture import short; print("short run:", short())'

"$python" -c 'from engine.stage.upload import probe; print("pictures:", probe())'
if [ "$kind" = gpu ] && command -v compute-sanitizer >/dev/null; then
  timeout 100 compute-sanitizer --tool memcheck --error-exitcode 3 "$python" -c "$path"
else
  echo "compute-sanitizer: not run (${kind/cpu/no GPU}; it comes with the CUDA toolkit)"
  "$python" -c "$path"
fi
timeout 380 "$python" -m engine bench picture ${1:+"$1"} --ladder --seconds "${SECONDS_EACH:-300}" --json "tests/bench/ladder-$kind.json"
