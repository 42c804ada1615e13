#!/usr/bin/env bash
# `make demo`: runs config.hcl to its end and shows what was kept. What it
# keeps lies in .demo of the repository until the next demo or `make clean`.
set -euo pipefail
cd "$(dirname "$0")/../.."
PATH="$PWD/bin:$PATH"
export MLHOST_STATE=$PWD/.demo

rm -rf .demo
mkdir -m 700 .demo
echo '*' >.demo/.gitignore

echo "\$ mlhost run examples/demo/config.hcl"
mlhost run examples/demo/config.hcl

run_of() { # the id of a script's last run
  mlhost runs --json | python3 -c 'import json, sys
print([r["id"] for r in json.load(sys.stdin)["runs"] if r["script"] == sys.argv[1]][0])' "$1"
}

for script in train plateau; do
  echo
  echo "\$ mlhost results $script"
  mlhost results "$script"
done
echo
echo "\$ mlhost vars knn"
mlhost vars knn

run=$(run_of train)
echo
echo "What the route did to the learning rate:"
mlhost runs show "$run" --json | python3 -c 'import json, sys
changes = json.load(sys.stdin)["changes"]
for c in changes:
    print("  step {step!s:>4}  {name}: {old} -> {new}  by {author}".format(**c))
print("  %d changes" % len(changes))'

cat <<END

It is all still there. To look further:
  export MLHOST_STATE=$MLHOST_STATE PATH=$PWD/bin:\$PATH
  mlhost runs                      # the runs, their parameters and results
  mlhost runs show $run     # one of them: changes, series
  mlhost get train                 # parameters: types, ranges, where they are declared
  mlhost logs knn                  # what it printed
END
