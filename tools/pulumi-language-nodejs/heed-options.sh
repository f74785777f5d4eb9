#!/bin/sh
# Starts the language host beside this file, in the project's folder, with the option of Pulumi.yaml that it would
# not read itself. Replaced by the program it starts: signals and exit codes are the host's own.
if grep -Eqs '^ +typescript: *false *$' Pulumi.yaml; then set -- -typescript=false "$@"; fi
exec "${0%/*}/language-host" "$@"
