#!/bin/sh
# Called by `make setup`: a virtual environment in .venv from the lock of PLATFORM. Safe to repeat; says what is wrong in one sentence.
set -eu
cd "$(dirname "$0")/.."
fail() { echo "setup: $1" >&2; exit 2; }

command -v "$PYTHON" >/dev/null 2>&1 || fail "there is no '$PYTHON' on the PATH; install Python 3.11 or name one: make setup PYTHON=/path/to/python3.11"
"$PYTHON" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
    || fail "$("$PYTHON" --version) does not do: Python 3.11, 3.12 or 3.13 is needed; name one: make setup PYTHON=/path/to/python3.11"
"$PYTHON" -c 'import venv, ensurepip' 2>/dev/null \
    || fail "this Python has no venv module; install it (on Debian and Ubuntu: apt install python3-venv)"
[ "$(uname -s)" = Linux ] || fail "vLLM needs Linux; use a Linux machine, container or virtual machine"
free=$(df -Pk . | awk 'NR==2 {print int($4 / 1000000)}')
[ -d .venv ] || [ "$free" -ge 8 ] || fail "8 GB of disk are needed here for the packages and a run, and $free GB are free"

[ -x .venv/bin/python ] || "$PYTHON" -m venv .venv
PIP=".venv/bin/python -m pip --disable-pip-version-check -q -q"
echo "setup: installing $(grep -c == "requirements/$PLATFORM.lock") packages into .venv (some minutes the first time)"
if [ "$PLATFORM" = cpu ] && ! .venv/bin/python -c 'import importlib.metadata as m; assert m.version("torch").startswith("2.13.0")' 2>/dev/null; then
    # The CPU build where an index or a wheel folder serves it, else the ordinary build: more disk, the same work.
    if [ -n "$TORCH_INDEX" ]; then
        $PIP install --no-deps --index-url "$TORCH_INDEX" torch==2.13.0 || fail "torch 2.13.0 is not to be had from TORCH_INDEX=$TORCH_INDEX"
        echo "setup: torch from TORCH_INDEX"
    elif $PIP install --no-deps torch==2.13.0+cpu 2>/dev/null; then
        echo "setup: torch 2.13.0+cpu"
    else
        $PIP install torch==2.13.0 || fail "torch 2.13.0 could not be installed; is a package index reachable?"
        echo "setup: torch 2.13.0, the ordinary build with its CUDA libraries; TORCH_INDEX=URL of PyTorch's CPU builds saves 4 GB"
    fi
fi
if [ "$PLATFORM" = nvidia ] && [ -n "$TORCH_INDEX" ]; then
    $PIP install --no-deps --index-url "$TORCH_INDEX" torch==2.13.0 || fail "torch 2.13.0 is not to be had from TORCH_INDEX=$TORCH_INDEX"
fi
# --no-deps: the lock is complete. --no-compile: half of the time would go into compiling files that are never imported.
$PIP install --no-deps --no-compile -r "requirements/$PLATFORM.lock" || fail "the packages could not be installed; is a package index reachable, and is there disk?"
$PIP install --no-deps --no-build-isolation --no-compile -e . || fail "the project itself could not be installed into .venv"
.venv/bin/python -c 'import torch, transformers' || fail "torch or transformers does not load on this machine; see the message above"
# An index that has both builds may serve the CPU one, and a GPU would stand idle.
[ "$PLATFORM" != nvidia ] || .venv/bin/python -c 'import sys, torch; sys.exit(torch.version.cuda is None)' \
    || fail "the index here served a build of torch without CUDA; name one that serves CUDA builds: make setup PLATFORM=nvidia TORCH_INDEX=URL"
echo "setup: ready"
