# make build   bin/hone and bin/honed
# make test    every test; as root also those in network namespaces
# make demo    the kernel against hone, in a lab of namespaces
# make bench   every measurement; CASES="route4 punt" for some, FLAGS="-json" for other output
GO      ?= go
VERSION ?= $(shell cat packaging/version)
LDFLAGS := -s -w -X github.com/hone-net/hone/control.Version=$(VERSION)
CASES   ?=
FLAGS   ?=

.PHONY: build test demo bench setup clean
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

setup:
	packaging/setup

test: setup
	packaging/suite

demo: build
	bin/hone demo

bench: build
	bin/hone bench $(FLAGS) $(CASES)

clean:
	rm -rf bin
