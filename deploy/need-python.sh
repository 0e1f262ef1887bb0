#!/bin/sh
# Says in one line what is missing where the interpreter is too old or cannot make virtual environments.
#   sh deploy/need-python.sh python3
set -eu
python=$1
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "Python 3.11 or newer is needed and '$python' is not: install it, or name another one (make PYTHON=python3.12 ...)" >&2
  exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  sh "$(dirname "$0")/debian-packages.sh" python3-venv
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  echo "'$python' cannot make virtual environments: install its venv package (Debian: apt-get install python3-venv)" >&2
  exit 1
fi
