#!/usr/bin/env bash
# `make demo`: runs config.hcl to its end and shows what was kept. What it
# keeps lies in .demo of the repository until the next demo or `make clean`.
set -euo pipefail
cd "$(dirname "$0")/../.."
PATH="$PWD/bin:$PATH"
export MLHOST_STATE=$PWD/.demo
export MLHOST_LISTEN=127.0.0.1:0 MLHOST_CONNECTOR_LISTEN=127.0.0.1:0 # beside whatever else runs here

rm -rf .demo
mkdir -m 700 .demo
echo '*' >.demo/.gitignore

echo "\$ mlhost run examples/demo/config.hcl"
mlhost run examples/demo/config.hcl

show() {
  echo
  echo "\$ mlhost $*"
  mlhost "$@"
}
for script in train plateau; do
  show results "$script"
done
show vars knn
show runs

run=$(mlhost runs | awk '$2 == "train" { print $1; exit }')
show runs show "$run"

cat <<END

Above, under CHANGED AT, is what the route did to the learning rate. It is all kept. To look further:
  export MLHOST_STATE=$MLHOST_STATE PATH=$PWD/bin:\$PATH
  mlhost get train                            # parameters: value, type, range, who moves them
  mlhost logs knn                             # what it printed
  mlhost runs show $run --samples loss  # every sample of the loss
END
