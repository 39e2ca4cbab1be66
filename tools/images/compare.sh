#!/usr/bin/env bash
# Builds the images of the checked-out commit twice, in two folders and the second time with an empty build cache, and
# compares every file.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
build() { # FOLDER: clones the commit into it and builds
  git clone -q . "$work/$1"
  GOWORK=off go -C "$work/$1/tools/images" run . -root "$work/$1" -out "$work/$1/build/images"
}
build first
GOCACHE="$work/cache" build a-second-folder
diff -r "$work/first/build/images" "$work/a-second-folder/build/images"
echo "both builds are the same"
