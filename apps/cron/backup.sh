#!/bin/sh
# Keeps an archive of this folder for each day of the week, in backups. Change what is kept, and
# where.
set -eu
mkdir -p backups
# Exit code 1: a file has changed while it was read, as those of a running server do.
tar -czf backups/new --exclude=./backups . || [ $? -eq 1 ]
mv backups/new "backups/$(date +%a).tar.gz"
