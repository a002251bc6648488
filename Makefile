# `make` lints and tests; CI runs `make e2e` too. `make help` lists the rest.
.DEFAULT_GOAL := all
.PHONY: all build demo test histories hostile faults bench lint e2e contention e2e-pods stack tidy clean help

all: lint test ## lint and test

build: ## the binary, in bin/
	go build -trimpath -o bin/trefoil ./cmd/trefoil

# Compiling is most of what the first demo takes; without optimisation it takes a fifth less.
demo: ## from nothing to a served model, on this machine: three minutes, the second time a quarter of one
	go build -gcflags='all=-N -l' -ldflags=-w -o bin/trefoil-demo ./cmd/trefoil
	bin/trefoil-demo demo --dir $(or $(DIR),trefoil-demo)

# Deriving keys from passphrases takes 16 times as long where the race detector watches, and shares nothing.
test: ## everything that needs no engines: offline
	go test -race -gcflags=golang.org/x/crypto/blowfish=-race=false -shuffle=on -timeout 40m ./...

# With garbage collected less often they take a third less, and 100 MB.
histories: ## 10,000 histories of edits, faults, crashes and races
	GOGC=400 go test ./reconcile -count=1 -run TestConverges -rapid.checks=5000 -timeout 60m

lint: ## vet and golangci-lint
	go vet -tags e2e ./...
	go tool -modfile=.github/lint/go.mod golangci-lint run --build-tags e2e ./...

hostile: ## specs that are made to kill, each beside a healthy one; a minute
	go test ./internal/sandbox -count=1 -run Hostile -hostile -parallel 2

# The number in a test's name is that of the fault in docs/faults.md.
faults: ## what git servers, networks and people do to the daemon, as a table; two minutes
	go test -tags e2e -count=1 -run '^TestFault|^TestContention$$' -v ./internal/gitrepo ./internal/webhook ./reconcile ./e2e | awk -f ci/faults.awk

bench: ## how long things take, and how that grows; beside cue vet and git fetch
	go test -run '^$$' -bench . -benchtime 3x ./...
	go test -tags e2e -run '^$$' -bench 'Vet|Plan|Run' -benchtime 5x ./cmd/trefoil

# What needs engines mostly waits. First the packages that have some such tests, side by side; `make test` runs the tests of the others.
SKIP = ^TestPods
E2E = go test -tags e2e -count=1 -timeout 60m -skip '$(SKIP)' -v
e2e: ## the built binary against the real engines; builds them where missing
	$(E2E) -p 3 ./e2e/stack/... $$(grep -rl --include='*_test.go' '^//go:build e2e' internal render | xargs -n 1 dirname | sort -u | sed 's,^,./,')
	$(E2E) -parallel 4 ./e2e

contention: ## two daemons and five people who push at once, and how soon is in git what is known; two minutes
	go test -tags e2e -count=1 -run '^TestContention$$' -v ./e2e

e2e-pods: ## the same with real pods: as root, on Linux, in namespaces of their own; builds images from Debian's packages where missing
	go test -tags e2e -count=1 -p 1 -timeout 60m -run '^TestPods' -v ./e2e/...

stack: ## the real engines on loopback, until Ctrl-C
	go run -tags e2e ./e2e/stack/cmd/stack

tidy: ## go.mod, go.sum, formatting
	go mod tidy
	gofmt -w ci cmd docs e2e examples internal reconcile render schema

clean:
	rm -rf bin

help:
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12
