# Everything a newcomer types. Needs Python 3.11 or newer and make; the rest is installed into .venv from requirements/*.lock.
PYTHON ?= python3
# cpu or nvidia: which lock is installed.
PLATFORM ?= $(shell command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L 2>/dev/null | grep -q GPU && echo nvidia || echo cpu)
# An index that serves PyTorch's builds for this platform, for machines whose own index has none (optional).
TORCH_INDEX ?=
# Which benchmark `make bench` runs; empty lists them.
NAME ?=
ARGS ?=
# In how many processes `make test` runs, each on its own share of the cores.
WORKERS ?= 2
RUN = .venv/bin/selfimprove
STAMP = .venv/.ready-$(PLATFORM)

.PHONY: setup demo control test bench lint lock clean

setup: $(STAMP)

$(STAMP): requirements/$(PLATFORM).lock pyproject.toml requirements/setup.sh
	@PYTHON="$(PYTHON)" PLATFORM="$(PLATFORM)" TORCH_INDEX="$(TORCH_INDEX)" sh requirements/setup.sh
	@touch $@

demo: setup
	@$(RUN) run configs/demo.yaml $(ARGS)

control: setup
	@$(RUN) control configs/demo.yaml $(ARGS)

test: setup
	@.venv/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

bench: setup
	@.venv/bin/python -m benchmarks $(NAME)

lint: setup
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

# Resolves pyproject.toml anew; needs uv.
lock:
	@sh requirements/lock.sh

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache
