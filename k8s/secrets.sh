#!/bin/sh
# Makes the secrets that the manifests name, in the namespace `retoucher`; those that are there already stay.
#   S3_ACCESS_KEY=… S3_SECRET_KEY=… [GEMINI_API_KEY=…] sh k8s/secrets.sh
# No secret stands in a command line, where others on this machine could read it.
set -eu
: "${S3_ACCESS_KEY:?set S3_ACCESS_KEY and S3_SECRET_KEY to the keys of the bucket}"
: "${S3_SECRET_KEY:?set S3_ACCESS_KEY and S3_SECRET_KEY to the keys of the bucket}"
cd "$(dirname "$0")"
random() { head -c 32 /dev/urandom | base64 | tr -d '\n'; }
make() { # name; the lines of stringData come on standard input
  if kubectl --namespace retoucher get secret "$1" >/dev/null 2>&1; then
    echo "secret $1 is there: left as it is"
    return
  fi
  { printf 'apiVersion: v1\nkind: Secret\nmetadata: {name: %s, namespace: retoucher}\nstringData:\n' "$1"; cat; } |
    kubectl create -f -
}
kubectl apply -f base/namespace.yaml
password=$(random | tr -d '+/=')
printf '  url: redis://:%s@redis:6379/0\n  redis.conf: requirepass %s\n' "$password" "$password" | make retoucher-redis
printf "  access-key: '%s'\n  secret-key: '%s'\n" "$S3_ACCESS_KEY" "$S3_SECRET_KEY" | make retoucher-s3
printf '  secrets: whsec_%s\n' "$(random)" | make retoucher-webhooks
# Only where components/gemini is used.
[ -z "${GEMINI_API_KEY:-}" ] || printf "  api-key: '%s'\n" "$GEMINI_API_KEY" | make retoucher-gemini
