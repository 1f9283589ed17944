#!/bin/sh
# Builds a commit: ./build.sh OWNER/REPOSITORY COMMIT. Fetches it into a folder of its own, and runs
# make there. Change this: what is written comes as events, and exit code 0 is a success.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
git init --quiet "$folder"
cd "$folder"
git fetch --quiet --depth 1 -- "${DEPLOY_FROM:-https://github.com}/$1" "$2"
git checkout --quiet FETCH_HEAD
make
