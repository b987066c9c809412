# `make` lists the targets. `make demo` and `make test` need a Debian 12 with git and make, and nothing else.

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# The steps share .venv and apt's lock.
.NOTPARALLEL:

PYTHON := .venv/bin/python
DEMO ?= demo
ARGS ?=
# Processes of `make test`.
WORKERS ?= 2

# OTB with its applications and headers; otb-qgis, since OTB's CMake targets name a file of it.
RUN_PACKAGES := otb-bin libotb-apps libotb-dev otb-qgis libinsighttoolkit4-dev libtinyxml-dev libfftw3-dev \
    libboost-filesystem-dev libboost-serialization-dev pybind11-dev cmake g++ ninja-build \
    gdal-bin python3-gdal python3-fiona python3-lxml python3-jinja2 python3-numpy python3-venv python3-dev
DOCS_PACKAGES := python3-sphinx python3-myst-parser sphinx-basic-ng python3-bs4 python3-nbclient python3-ipykernel
# h5py reads one kind of reference, and is asked for when one is given.
# rio-cogeo works on Debian's rasterio and pyproj, which share the libgdal and libproj of the others.
TEST_PACKAGES := valgrind locales zsh libgtest-dev python3-jsonschema python3-h5py python3-qgis qgis-providers python3-rasterio python3-pyproj

# A SLURM that the tests start on this computer. Where systemd runs, Debian starts its services, too.
SLURM_PACKAGES := munge slurmctld slurmd slurm-client

# QGIS on a screen of its own, with a window manager, and what moves its mouse and presses its keys.
QGIS_PACKAGES := qgis xvfb openbox xdotool x11-xkb-utils fonts-dejavu-core

# The browser in which the page to label in is tested.
PAGE_PACKAGES := chromium fonts-dejavu-core

# One name of the compiler for every build, so that ccache, where it is there, compiles nothing twice.
ifeq ($(origin CXX),default)
CXX := c++
endif
export CXX

# Files that tell that a step is done; they lie in .venv, so that removing it is starting over.
RUN_PYTHON := .venv/.run-requirements-done
TEST_PYTHON := .venv/.test-requirements-done
BENCH_PYTHON := .venv/.bench-requirements-done
PAGE_PYTHON := .venv/.page-requirements-done
PROJECT := .venv/.project-done
OPENLAYERS := alcd_otb/label/page/vendor/ol.js

NATIVE := $(shell find otb_pipelines/native -name '*.cpp' -o -name '*.hpp' -o -name CMakeLists.txt)
CPP := $(filter %.cpp %.hpp,$(NATIVE)) $(wildcard tests/native/*.cpp tests/native/*.hpp)

# The unit tests of the C++, built as they are and with sanitizers.
UNIT_TESTS := -G Ninja -DALCD_OTB_TESTS=ON -DPython_EXECUTABLE=$(CURDIR)/$(PYTHON)
SANITIZERS := -D_GLIBCXX_ASSERTIONS -fsanitize=address,undefined -fno-sanitize-recover=all

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: install
install: $(PROJECT) ## install all that a run needs, into Debian and .venv
	@echo "OTB in the shell and in QGIS runs random forests as fast with this line:"
	@echo "  export ITK_AUTOLOAD_PATH=$(CURDIR)/otb_pipelines/itk_plugins"

.PHONY: demo
demo: $(PROJECT) ## install, then run the main job on a synthetic scene in demo/ (DEMO=folder ARGS=--size=1098)
	@$(PYTHON) -m alcd_otb demo $(ARGS) "$(DEMO)"

.PHONY: test
test: $(PROJECT) $(TEST_PYTHON) ## install, then run the tests (ARGS="-k samples -x" WORKERS=2)
	@$(PYTHON) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

.PHONY: test-slow
test-slow: $(PROJECT) $(TEST_PYTHON) ## install, then disturb every command at every call that changes files; an hour and more (ARGS="-k kfold")
	@$(PYTHON) -m pytest -m slow -s tests/faults $(ARGS)

.PHONY: slurm
slurm: $(PROJECT) $(TEST_PYTHON) ## install SLURM, too, then run batches on one that is started here, as root; minutes
	@tools/install.sh packages $(SLURM_PACKAGES)
	@$(PYTHON) -m pytest -m slurm tests/batch $(ARGS)

.PHONY: page
page: $(PROJECT) $(TEST_PYTHON) $(PAGE_PYTHON) ## install a browser, too, then label in the page as a person does; minutes
	@$(PYTHON) -m pytest -m page tests/label $(ARGS)

.PHONY: qgis
qgis: $(PROJECT) $(TEST_PYTHON) ## install QGIS, too, then label and run in it with the plug-in, as a person does; minutes
	@tools/install.sh packages $(QGIS_PACKAGES)
	@$(PYTHON) -m pytest -m qgis_desktop tests/qgis $(ARGS)

.PHONY: qgis-ltr
qgis-ltr: $(PROJECT) $(TEST_PYTHON) ## as qgis, in the QGIS of a Debian 13 that is put into build/debian13; as root; not in .ci/run
	@tools/install.sh packages $(QGIS_PACKAGES) debootstrap
	@tools/qgis_in_debian_13.sh build/debian13 $(ARGS)

.PHONY: qgis-plugin
qgis-plugin: $(PROJECT) ## install, then pack the plug-in for QGIS into build/alcd_otb_loop.zip
	@$(PYTHON) -m alcd_otb qgis-plugin build/alcd_otb_loop.zip

.PHONY: image
image: ## build the container image alcd-otb, with docker, podman or buildah
	@tools/image.sh build

.PHONY: image-test
image-test: ## build and test the image without a registry, on a Debian 12 that is put into build/image; as root; not in .ci/run
	@tools/image.sh test

.PHONY: wheel
wheel: $(PROJECT) $(TEST_PYTHON) ## install, then build a wheel, install it by itself and run a scene with it
	@$(PYTHON) -m pytest -m wheel tests/packaging $(ARGS)

.PHONY: ctest
ctest: $(PROJECT) $(TEST_PYTHON) ## install, then run the unit tests of the C++, then again with sanitizers (ARGS="-R Forest")
	@cmake -S . -B build/tests $(UNIT_TESTS)
	@cmake --build build/tests -j 2 --target unit_tests
	@ctest --test-dir build/tests -j 2 --no-tests=error --output-on-failure $(ARGS)
	@cmake -S . -B build/sanitized $(UNIT_TESTS) -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-g1 "-DCMAKE_CXX_FLAGS=-O1 $(SANITIZERS)"
	@cmake --build build/sanitized -j 2 --target unit_tests
	@ctest --test-dir build/sanitized -j 2 --no-tests=error --output-on-failure $(ARGS)

.PHONY: lint
lint: $(PROJECT) $(TEST_PYTHON) ## install, then check style, types and language
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@$(PYTHON) tools/prose.py
	@.venv/bin/clang-format --dry-run -Werror $(CPP)
	@cmake -S . -B build/tests $(UNIT_TESTS) > build/tests.log || { cat build/tests.log; exit 1; }
	@.venv/bin/run-clang-tidy.py -p build/tests -j 2 -quiet -hide-progress -clang-tidy-binary .venv/bin/clang-tidy

.PHONY: docs
docs: $(PROJECT) $(TEST_PYTHON) ## install, then build the user guide into build/docs/html; a warning is an error
	@$(PYTHON) -m sphinx -q -W --keep-going -n -c docs -d build/docs/doctrees . build/docs/html
	@echo "build/docs/html/index.html"

.PHONY: doctor
doctor: $(PROJECT) ## install, then tell what is installed and what is missing
	@$(PYTHON) -m alcd_otb doctor

.PHONY: bench
bench: $(PROJECT) $(BENCH_PYTHON) ## install, then run the benchmarks, one after the other
	@set -e; for script in benchmarks/*.py; do echo "==> $$script"; $(PYTHON) "$$script"; done

.PHONY: clean
clean: ## remove what the other targets made, but for Debian's packages and demo/
	rm -rf .venv build dist alcd_otb/label/page/vendor *.egg-info otbApplication*.so .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find alcd_otb otb_pipelines tests tools benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(RUN_PYTHON): requirements.txt tools/install.sh Makefile
	@tools/install.sh packages $(RUN_PACKAGES)
	@tools/install.sh python requirements.txt
	@touch $@

$(TEST_PYTHON): requirements-dev.txt $(RUN_PYTHON) Makefile
	@tools/install.sh packages $(TEST_PACKAGES) $(DOCS_PACKAGES)
	@tools/install.sh python requirements-dev.txt
	@touch $@

$(PAGE_PYTHON): requirements-page.txt $(TEST_PYTHON) Makefile
	@tools/install.sh packages $(PAGE_PACKAGES)
	@tools/install.sh python requirements-page.txt
	@touch $@

$(OPENLAYERS): alcd_otb/label/page/package-lock.json tools/install.sh
	@tools/install.sh page
	@touch $@

$(BENCH_PYTHON): requirements-bench.txt $(RUN_PYTHON)
	@tools/install.sh python requirements-bench.txt
	@touch $@

$(PROJECT): $(RUN_PYTHON) $(OPENLAYERS) pyproject.toml setup.py CMakeLists.txt $(NATIVE)
	@tools/install.sh project
	@touch $@
