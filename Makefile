# SPDX-License-Identifier: MIT
# A thin front: Meson and ninja build, tests/tools/run_tests runs the tests. `make help` lists the targets.

BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
WERROR ?= false
SANITIZE_CC ?= gcc

RUN_TESTS = tests/tools/run_tests
SOURCES = $(shell find include src cli examples bench tests -name '*.[ch]')
# -fno-sanitize-recover: a finding ends the program. Optimized, because the tests run long loops.
SANITIZED = -Dbuildtype=debugoptimized -Db_ndebug=false -Db_lundef=false
RECOVER = -fno-sanitize-recover=all -fno-omit-frame-pointer

# $(call configure,FOLDER,COMPILER,OPTIONS): once; ninja itself sees to later changes of meson.build.
configure = test -f $(1)/build.ninja || CC=$(2) meson setup $(1) --prefix=$(PREFIX) $(3)

all: need ## build; leaves the program at build/unsaddle
	@$(call configure,$(BUILD),gcc,-Dwerror=$(WERROR))
	@ninja -C $(BUILD) -j$(JOBS)

need:
	@for tool in meson ninja pkg-config gcc python3; do command -v $$tool >/dev/null || \
		{ echo "make: $$tool is missing here; tools/setup installs what is needed" >&2; exit 1; }; done

setup: ## install what is missing (tools/setup)
	@tools/setup

demo: setup ## build, run the saddle experiment and print its table
	@$(MAKE) --no-print-directory all
	@$(BUILD)/unsaddle run examples/saddle.yaml --out runs/saddle

test: setup ## build and run all quick tests
	@$(MAKE) --no-print-directory all
	@$(RUN_TESTS) $(BUILD) -j$(JOBS)

check-clang: need ## build with clang, warnings as errors, run the tests, compare bits with gcc's build
	@command -v clang >/dev/null || { echo "make: clang is missing; tools/setup --ci" >&2; exit 1; }
	@$(call configure,build-clang,clang,-Dwerror=true)
	@ninja -C build-clang -j$(JOBS)
	@$(MAKE) --no-print-directory all
	@$(RUN_TESTS) build-clang -j$(JOBS) --no-suite source --no-suite product \
		--also "tests/tools/check_compilers.sh $(BUILD) build-clang"

sanitize: need ## build with ASan and UBSan and run the tests
	@$(call configure,build-sanitize,$(SANITIZE_CC),$(SANITIZED) -Db_sanitize=address$(comma)undefined \
		-Dc_args='$(RECOVER) -fsanitize=float-cast-overflow')
	@ninja -C build-sanitize -j$(JOBS)
	@$(RUN_TESTS) build-sanitize -j$(JOBS) --no-suite source --no-suite product --scale 4 \
		--also "tests/tools/check_compilers.sh build-sanitize build-sanitize"

tsan: need ## build with TSan; run the threads tests and the program (Criterion does not start under it)
	@$(call configure,build-tsan,$(SANITIZE_CC),$(SANITIZED) -Db_sanitize=thread -Dc_args='$(RECOVER)')
	@ninja -C build-tsan -j$(JOBS)
	@$(RUN_TESTS) build-tsan -j$(JOBS) --suite threads --scale 4 \
		--also "tests/tools/check_compilers.sh build-tsan build-tsan"

honesty: need ## count how often the certificate errs and what it costs (a few minutes)
	@$(call configure,$(BUILD),gcc,-Dwerror=$(WERROR))
	@ninja -C $(BUILD) -j$(JOBS) tests/honesty/honesty
	@$(BUILD)/tests/honesty/honesty

instruments: all ## what instruments cost a run, counted in instructions (minutes; Valgrind)
	@tests/long/instrument_cost.py $(BUILD)

forecast: need ## hold the forecasts against simulation (a few minutes)
	@$(call configure,$(BUILD),gcc,-Dwerror=$(WERROR))
	@ninja -C $(BUILD) -j$(JOBS) tests/long/long_forecast tests/long/long_model
	@$(BUILD)/tests/long/long_forecast tests/long/forecast_cases.txt; first=$$?; \
		$(BUILD)/tests/long/long_model && exit $$first

noise: need ## measure the gradient noise of softmax regression before and after a preconditioner
	@$(call configure,$(BUILD),gcc,-Dwerror=$(WERROR))
	@ninja -C $(BUILD) -j$(JOBS) tests/long/long_noise
	@$(BUILD)/tests/long/long_noise

starved: need ## starved saddles: SGD, diagonal and full matrix against the forecast (a few minutes)
	@$(call configure,$(BUILD),gcc,-Dwerror=$(WERROR))
	@ninja -C $(BUILD) -j$(JOBS) tests/long/long_starved
	@$(BUILD)/tests/long/long_starved

lowrank: need ## low rank against the full matrix over 500 steps, and what a step costs (minutes)
	@$(call configure,$(BUILD),gcc,-Dwerror=$(WERROR))
	@ninja -C $(BUILD) -j$(JOBS) tests/long/long_lowrank unsaddle
	@$(BUILD)/tests/long/long_lowrank; first=$$?; \
		$(BUILD)/unsaddle bench --dense ggt:1Mx1,ggt:1Mx1:f32 && exit $$first

kron: all ## what a step with Kronecker factors costs in matrix products (a minute)
	@$(BUILD)/unsaddle bench --dense shampoo:1024x1024 --threads 1

speed: all ## replicas of the saddle experiment against a loop written by hand
	@ninja -C $(BUILD) bench/saddle_speed
	@$(BUILD)/bench/saddle_speed

roots: need ## check inverse roots and their error estimates against 106-bit arithmetic (80 s on an idle core)
	@$(call configure,$(BUILD),gcc,-Dwerror=$(WERROR))
	@ninja -C $(BUILD) -j$(JOBS) tests/long/long_roots
	@$(BUILD)/tests/long/long_roots

format: ## lay out the C sources as .clang-format says
	@clang-format -i $(SOURCES)

install: all ## install below PREFIX (and DESTDIR)
	@meson configure $(BUILD) --prefix=$(PREFIX)
	@meson install -C $(BUILD)

clean: ## remove the build folders
	rm -rf $(BUILD) build-clang build-sanitize build-tsan

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1|/p' Makefile | awk -F'|' '{ printf "make %-13s %s\n", $$1, $$2 }'

comma = ,

.PHONY: all need setup demo test check-clang sanitize tsan honesty instruments forecast noise roots starved lowrank kron format install clean \
	help speed
