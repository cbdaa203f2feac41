# Everything one does with this repository. Only make, a C++20 compiler and Python 3.11 or later (with
# venv and headers) are needed; the rest comes from PyPI into $(VENV). What is up to date is not done again.

VENV ?= .venv
JOBS ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
VERSIONS ?= 3.12 3.13 3.14 3.15
WHEELS ?= 3.11 $(VERSIONS)
PLATFORMS ?= native
PYTEST_ARGS ?=
PROGRAMS ?=
SECONDS ?= 60

export CMAKE_BUILD_PARALLEL_LEVEL ?= $(JOBS)
export PIP_DISABLE_PIP_VERSION_CHECK = 1

bin := $(VENV)/bin
ctest = $(bin)/ctest --output-on-failure --parallel $(JOBS)
cmake = $(bin)/cmake -G Ninja -DCMAKE_MAKE_PROGRAM=$(abspath $(bin)/ninja) -DATTOLOG_TESTS=ON -S .
sources := pyproject.toml CMakeLists.txt README.md $(shell find cmake cpp src -type f -not -name '*.pyc')
cpp_files := $(shell find cpp tests/cpp -name '*.[ch]pp')
# ThreadSanitizer of gcc 12 does not cope with as many random address bits as newer kernels use.
fixed_addresses := $(shell setarch -R true 2>/dev/null && echo setarch -R)

.PHONY: help test built cpp-test pytest demo torture fuzz programs bench check format sanitize sanitize-module \
        sanitize-threads versions pytest-quick wheels freethreaded editable docs pictures coverage clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^## //p' $(firstword $(MAKEFILE_LIST))

## make test             build, then the C++ tests and pytest
test: cpp-test pytest

## make demo             a serving program; a program killed with kill -9; call costs; a log, and what it answers
demo: $(VENV)/installed
	@rm -rf build/demo && mkdir -p build/demo
	$(bin)/python examples/serving/multi_model_dev.py --run-seconds 5 --log-file build/demo/serving.atto
	@echo
	$(bin)/python examples/kill_demo.py build/demo
	@echo; echo "The cost of a call: in a burst (overhead per log), and cold, between other work:"; echo
	$(bin)/attolog bench --quick --method attolog-event-journal --method attolog-csv --method file-handler
	@echo; echo "The log of the serving program:"; echo
	$(bin)/attolog overview build/demo/serving.atto
	@echo
	$(bin)/python examples/slowest.py build/demo/serving.atto

## make torture          the long forms of the reliability tests, other random examples of the property tests
torture: $(VENV)/installed $(VENV)/group-test
	$(bin)/python -m pytest -m torture $(PYTEST_ARGS) tests
	$(bin)/python -m pytest $(PYTEST_ARGS) tests/property tests/rewrite/test_rewrite_meaning.py
	$(MAKE) fuzz SECONDS=1800

## make fuzz             damaged journals and mapped files, for SECONDS (60), under sanitizers
fuzz: $(VENV)/tools
	$(cmake) -B build/asan -DATTOLOG_SANITIZE=address,undefined
	$(bin)/cmake --build build/asan --target fuzz_files
	UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 build/asan/fuzz_files seconds $(SECONDS) $(SEED)

## make programs         programs from PyPI under attolog run and under plain Python (tests/programs/)
programs:
	$(MAKE) VENV=build/programs/venv build/programs/venv/installed
	cd tests && ../build/programs/venv/bin/python -m programs $(PROGRAMS)

## make bench            all benchmarks (benchmarks/)
bench: $(VENV)/installed $(VENV)/group-test
	$(bin)/python -m benchmarks

## make check            formatting, lint, types
check: $(VENV)/installed $(VENV)/group-test $(VENV)/group-check
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/clang-format --dry-run -Werror $(cpp_files)
	$(bin)/mypy
	$(bin)/pyright --pythonpath $(bin)/python src $(wildcard tests/typing)
	$(bin)/python -m pytest -q tests/typing

## make format           format all that make check looks at
format: $(VENV)/group-check
	$(bin)/ruff format .
	$(bin)/clang-format -i $(cpp_files)

## make sanitize         the C++ tests under address, undefined and thread sanitizers
sanitize: $(VENV)/tools
	$(cmake) -B build/asan -DATTOLOG_SANITIZE=address,undefined
	$(bin)/cmake --build build/asan
	UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 $(ctest) --test-dir build/asan
	$(cmake) -B build/tsan -DATTOLOG_SANITIZE=thread -DCMAKE_CXX_FLAGS="-include $(abspath tests/cpp/tsan.hpp)"
	$(bin)/cmake --build build/tsan
	TSAN_OPTIONS=halt_on_error=1:die_after_fork=0 $(fixed_addresses) $(ctest) --test-dir build/tsan

## make sanitize-module  pytest on a module built with the address and undefined sanitizers
sanitize-module:
	VENV="$(VENV)-asan" scripts/sanitize-module.sh $(PYTEST_ARGS)

## make versions         build and test for VERSIONS (3.12 to 3.15): all tests on the last, the quick part before
versions:
	scripts/versions.sh $(VERSIONS)

## make wheels           build a wheel for each of WHEELS (3.11 to 3.15) in dist, and test it without a compiler;
##                       PLATFORMS="native aarch64 musl": also for ARM under qemu, and for musl
wheels:
	QUICK="$(quick)" PLATFORMS="$(PLATFORMS)" scripts/wheels.sh $(WHEELS)

## make freethreaded     build a free-threaded Python from Debian's source, and pytest there
freethreaded:
	scripts/free-threaded.sh $(PYTEST_ARGS)

## make sanitize-threads tests of threads under ThreadSanitizer, module and free-threaded Python both
sanitize-threads:
	VENV="$(VENV)-tsan" scripts/sanitize-threads.sh $(PYTEST_ARGS)

## make editable         an install in .venv-editable that runs src/attolog itself, and compiles cpp again on import
editable:
	$(MAKE) VENV=.venv-editable .venv-editable/tools
	.venv-editable/bin/python -m pip install --quiet --no-build-isolation --config-settings=editable.rebuild=true \
	    --config-settings=editable.verbose=false --config-settings=build-dir=build/editable --editable .

## make docs             the documentation as a site, in build/site; a broken link is an error
docs: $(VENV)/group-docs
	NO_MKDOCS_2_WARNING=1 $(bin)/mkdocs build --quiet --strict

## make pictures         the pictures of README.md, from a real run
pictures: $(VENV)/installed $(VENV)/group-test
	$(bin)/python scripts/pictures.py docs/pictures

## make coverage         which lines of src/attolog the tests run, in percent
coverage: $(VENV)/installed $(VENV)/group-test
	COVERAGE_FILE=build/.coverage $(bin)/python -m coverage run --source=attolog -m pytest -q -m 'not torture' $(PYTEST_ARGS) --pyargs tests attolog
	COVERAGE_FILE=build/.coverage $(bin)/python -m coverage report --skip-covered --sort=cover

## make clean            remove all that was built
clean:
	rm -rf build dist .venv .venv-*

# One part each of make test.
cpp-test: $(VENV)/tools
	$(cmake) -B build/cpp
	$(bin)/cmake --build build/cpp
	$(ctest) --test-dir build/cpp

built: $(VENV)/installed $(VENV)/group-test

# The installed package is what is tested, docstrings included; random examples are the same each time.
pytest: $(VENV)/installed $(VENV)/group-test
	$(bin)/python -m pytest -m 'not torture' --hypothesis-profile=ci $(PYTEST_ARGS) --pyargs tests attolog

# What differs most from Python to Python: two minutes.
quick := tests/integration tests/reliability/test_imports.py \
         $(patsubst %,tests/api/test_%.py,argument_names children default_logger events forks import jit logger messages values) \
         $(patsubst %,tests/run/test_run_%.py,hook main newer transform)
pytest-quick: $(VENV)/installed $(VENV)/group-test
	$(bin)/python -m pytest -m 'not torture' --hypothesis-profile=ci $(PYTEST_ARGS) --pyargs $(quick) attolog

$(VENV)/tools: scripts/environment.py pyproject.toml
	$$(scripts/find-python.sh) scripts/environment.py $(VENV)
	@touch $@

$(VENV)/group-%: $(VENV)/tools
	$(bin)/python scripts/environment.py $(VENV) --group $*
	@touch $@

$(VENV)/installed: $(VENV)/tools $(sources)
	$(bin)/python -m pip install --quiet --no-build-isolation --config-settings=cmake.define.ATTOLOG_WARNINGS_ARE_ERRORS=ON .
	@touch $@
