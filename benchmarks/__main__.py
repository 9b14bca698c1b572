"""`python -m benchmarks [NAME]`: lists the benchmarks, or runs one. Each prints one line and ends within ten minutes."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> None:
    names = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    if wanted not in names:
        print("benchmarks: " + ("" if not wanted else f"there is no {wanted!r}; ") + "make bench NAME=" + "|".join(names))
        for name in names:
            print(f"  {name:<12} {(importlib.import_module(f'benchmarks.{name}').__doc__ or '').splitlines()[0]}")
        sys.exit(2 if wanted else 0)
    sys.argv = [f"benchmarks.{wanted}", *sys.argv[2:]]
    importlib.import_module(f"benchmarks.{wanted}").main()


if __name__ == "__main__":
    main()
