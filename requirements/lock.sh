#!/bin/sh
# Resolves pyproject.toml into the two full locks that `make setup` installs with --no-deps. Needs uv; run by `make lock`.
set -eu
cd "$(dirname "$0")/.."
resolve() { # extra, expression of packages to leave out
    "${UV:-uv}" pip compile pyproject.toml --quiet --universal --python-version 3.11 --extra "$1" --extra dev \
        --override requirements/overrides.txt --no-header --no-annotate --no-emit-index-url \
        | grep -vE "sys_platform == '(never|win32|emscripten)'\$" | grep -vE "$2" > "requirements/$1.lock"
}
# The CPU lock leaves out torch (setup installs the CPU build first) and the CUDA libraries that torch's plain build asks for.
resolve cpu '^(torch|triton|cuda-[a-z]+|nvidia-[a-z0-9-]+)=='
resolve nvidia '^$'
