#!/usr/bin/env bash
# Runs the named stages of `make test` one after the other and prints the time of each. The failed stage is named last.
# Nothing is skipped.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

modules() { go list -m -f '{{.Dir}}'; }
everything() { modules | sed 's|$|/...|'; }
# packages PATTERN: the packages whose import path matches; packages -v PATTERN: those that do not.
packages() { go list $(everything) | grep -E "$@"; }
race() { CGO_ENABLED=1 go test -race -count=1 -timeout 15m "$@"; }

stage_postgres() { tools/postgres.sh; }
stage_tools() { make --no-print-directory tools; }
stage_gen-diff() {
  local fresh; fresh=$(mktemp -d)
  buf generate -o "$fresh" && diff -r "$fresh/proto/gen/pari" proto/gen/pari >/dev/null
  local rc=$?; rm -rf "$fresh"
  [ $rc -eq 0 ] || echo "proto/gen is not what proto/ says: run 'make gen' and commit"
  return $rc
}
stage_buf-lint() { buf lint && buf format -d --exit-code proto; }
# Against the image of the last published contract; `make publish-contract` replaces it when a release is made.
stage_buf-breaking() { buf breaking proto --exclude-imports --against proto/published.binpb; }
stage_tidy() {
  local d
  for d in $(modules); do (cd "$d" && GOWORK=off go mod tidy -diff) || { echo "run 'make tidy' and commit"; return 1; }; done
}
stage_vet() { go vet $(everything); }
stage_lint() { golangci-lint run --allow-parallel-runners $(everything); }
# tools/guards is not part of the workspace.
stage_guards() { GOWORK=off go -C tools/guards vet . && GOWORK=off go -C tools/guards test -count=1 .; }
stage_images() { GOWORK=off go -C tools/images vet . && GOWORK=off go -C tools/images test -count=1 .; }
# Each module by itself, as somebody builds it who has no workspace.
stage_isolated() {
  local d
  for d in $(modules); do (cd "$d" && GOWORK=off go build ./...) || { echo "$d does not build by itself"; return 1; }; done
}
stage_build() { make --no-print-directory build; }
stage_unit() { race $(packages -v '/internal/(store|api)$|/pari/e2e|/proto/gen/'); }
stage_store() { race $(packages '/internal/store$'); }
stage_api() { race $(packages '/internal/api$'); }
stage_e2e() { go test -count=1 -timeout 20m $(packages '/pari/e2e'); }

began=$SECONDS report=()
for name in "$@"; do
  printf '\n== %s\n' "$name"
  from=$SECONDS
  if "stage_$name"; then
    report+=("$(printf 'ok    %-14s %4ds' "$name" $((SECONDS - from)))")
  else
    printf '\n%s\n' "${report[@]}"
    printf 'FAILED %-13s %4ds\n' "$name" $((SECONDS - from))
    exit 1
  fi
done
printf '\n%s\n' "${report[@]}"
printf 'ok    %-14s %4ds\n' "all stages" $((SECONDS - began))
