# Pari. `make` lists the targets. Needs Go and make; everything else is obtained here, pinned.
SHELL        := /bin/bash
BIN          := $(CURDIR)/.bin
BUILD        := $(CURDIR)/build
export PATH  := $(BIN):$(PATH)
export CGO_ENABLED ?= 0
export GOFLAGS ?= -trimpath
# One module per line in go.work: adding one changes nothing here.
DIRS          = $(shell go list -m -f '{{.Dir}}')
MODULES       = $(addsuffix /...,$(DIRS))

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: postgres pari pari-dev ## build and start the whole network: centre, Cremona, Cuneo, Milano (ctrl-C stops it)
	@exec $(BUILD)/pari-dev up

.PHONY: pari
pari: ## build the pari command into build/
	@echo "building pari ..." >&2; go build -o $(BUILD)/pari ./cmd/pari

.PHONY: pari-dev
pari-dev: ## build the command for trying and developing into build/
	@echo "building pari-dev (the first time takes a minute or two) ..." >&2
	@go build -o $(BUILD)/pari-dev ./dev/cmd/pari-dev

.PHONY: build
build: pari ## build pari and the four services into build/, as operators run them
	@for s in intake casemanagement directory reporting; do \
	  echo "building $$s ..." >&2; go build -ldflags "-s -w" -o $(BUILD)/$$s ./services/$$s || exit 1; done

.PHONY: test
test: ## run everything: contract, tidy, vet, lint, builds, unit (-race), store, api, e2e
	@tools/stages.sh postgres tools gen-diff buf-lint buf-breaking tidy vet lint guards images isolated build unit store api e2e

.PHONY: hsds
hsds: ## check the export against the published schemas of HSDS 3: make hsds HSDS_SCHEMAS=/folder/with/organization.json
	@cd services/directory && HSDS_SCHEMAS="$(HSDS_SCHEMAS)" GOFLAGS="-trimpath -tags=hsds" \
	  go test -count=1 -run published ./internal/format

.PHONY: bench
bench: postgres pari-dev ## measure Pari beside baselines into build/bench.json, then run the Go benchmark of opening hours
	@$(BUILD)/pari-dev bench -o json > $(BUILD)/bench.json && $(BUILD)/pari-dev bench --show $(BUILD)/bench.json
	@go test -run '^$$' -bench Evaluate ./services/directory/internal/opening

.PHONY: images
images: ## build the container images into build/images, without an engine: OCI layout, tar, bill of materials
	@GOWORK=off go -C tools/images run . -root $(CURDIR) -out $(BUILD)/images

.PHONY: images-compare
images-compare: ## build the images twice, the second time in another folder from an empty cache, and compare them
	@tools/images/compare.sh

.PHONY: guards
guards: postgres ## draw 20 guards at random, disable each, see whether a test fails; SEED=7 repeats a draw, N=40 draws more
	@GOWORK=off go -C tools/guards run . -root $(CURDIR) \
	  $(if $(SEED),-seed $(SEED)) $(if $(N),-n $(N) -min $$(($(N) * 9 / 10))) pkg services

.PHONY: soak
soak: postgres ## long crash battery (about half an hour)
	@PARI_SOAK=1 go test -count=1 -timeout 60m -run 'TestCrash' -v ./e2e/...

.PHONY: gen
gen: $(BIN)/buf $(BIN)/protoc-gen-go ## generate Go from proto/, and the pages of docs/ that come from code
	@buf format -w proto && rm -rf proto/gen/pari && buf generate
	@go test ./services/casemanagement/internal/casefile/... ./e2e/contract/... -run 'Docs' -update >/dev/null
	@echo "generated proto/gen and docs" >&2

.PHONY: publish-contract
publish-contract: $(BIN)/buf ## make the present contract the published one, which later changes must not break
	@buf build proto --exclude-source-info -o proto/published.binpb

.PHONY: tidy
tidy: ## tidy every module
	@go work sync; for d in $(DIRS); do (cd $$d && GOWORK=off go mod tidy) || exit 1; done

.PHONY: lint
lint: $(BIN)/golangci-lint ## lint every module
	@golangci-lint run --allow-parallel-runners $(MODULES)

.PHONY: tools
tools: $(BIN)/buf $(BIN)/protoc-gen-go $(BIN)/golangci-lint ## install the pinned tools into .bin

.PHONY: postgres
postgres: ## make sure that PostgreSQL binaries are there
	@tools/postgres.sh

.PHONY: clean
clean: ## remove what was built (data of `make run` stays)
	@rm -rf $(BUILD) $(BIN)

$(BIN)/buf: tools/buf/go.mod
	@echo "building buf ..." >&2; GOWORK=off GOBIN=$(BIN) go -C tools/buf install tool && touch $@

$(BIN)/golangci-lint: tools/golangci-lint/go.mod
	@echo "building golangci-lint ..." >&2; GOWORK=off GOBIN=$(BIN) go -C tools/golangci-lint install tool && touch $@

# The generators are pinned beside the runtime that generated code needs.
$(BIN)/protoc-gen-go: proto/gen/go.mod
	@GOWORK=off GOBIN=$(BIN) go -C proto/gen install tool && touch $@
