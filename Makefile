# make build   bin/hone and bin/honed
# make test    every test; as root also those in network namespaces, and some of those of test-vm
# make test-vm the tests that touch the kernel, on Debian's 6.1 and 6.12 in QEMU; VM="-only cmd/script" for some
# make demo    the kernel against hone, in a lab of namespaces
# make bench   every measurement; CASES="route4 punt" for some, FLAGS="-json" for other output
# make deb     a Debian package in bin
GO      ?= go
VERSION ?= $(shell cat packaging/version)
LDFLAGS := -s -w -X github.com/hone-net/hone/control.Version=$(VERSION)
CASES   ?=
FLAGS   ?=
VM      ?=

.PHONY: build test test-vm demo bench deb setup clean
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

setup:
	packaging/setup

test: setup
	packaging/suite

# Some hosts are started without IPv6.
NOIPV6 = -append ipv6.disable=1 -only cmd/script -run 'TestScripts/(basic|ruleset|switch)$$'
test-vm: setup
	{ $(GO) run ./packaging/vm $(VM); $(if $(VM),,$(GO) run ./packaging/vm $(NOIPV6);) } | $(GO) run ./packaging/tally

demo: build
	bin/hone demo

bench: build
	bin/hone bench $(FLAGS) $(CASES)

deb:
	packaging/deb

clean:
	rm -rf bin
