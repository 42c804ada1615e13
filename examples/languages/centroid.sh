# The mean measures of one species, with awk.
set -eu
awk -F, -v species="$SPECIES" '
  $5 == species { n++; for (i = 1; i <= 4; i++) sum[i] += $i }
  END {
    if (n == 0) { print "no flower is a " species > "/dev/stderr"; exit 1 }
    printf "flowers: %d\npetal_length: %.3f\n", n, sum[3] / n
  }' ../data/iris.csv
