#!/bin/sh
# Renews the hash-locked requirement files from pyproject.toml. Needs uv; the files it writes hold no download address.
set -eu
cd "$(dirname "$0")/.."
compile() { uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 --universal "$@"; }
compile pyproject.toml --output-file requirements/run.txt
compile --group build --output-file requirements/build.txt
compile pyproject.toml --all-extras --group dev --constraint requirements/run.txt --output-file requirements/dev.txt
compile requirements/oracle.in --output-file requirements/oracle.txt
compile requirements/s3.in --output-file requirements/s3.txt
