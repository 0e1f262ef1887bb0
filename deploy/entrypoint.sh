#!/bin/sh
# Entry of every image: reads NAME=value lines from the files that RETOUCHER_ENV_FILES names (secrets, mounted read-only;
# where secrets come as variables there are none), then becomes `retoucher` with the given arguments, as process 1.
set -eu
for file in ${RETOUCHER_ENV_FILES:-}; do
  if [ ! -r "$file" ]; then
    echo "RETOUCHER_ENV_FILES names $file, which cannot be read: mount it, or take it off the list" >&2
    exit 2
  fi
  set -a
  # shellcheck disable=SC1090
  . "$file"
  set +a
done
exec /opt/retoucher/bin/retoucher "$@"
