# Says and measures more than a host remembers for viewers: more than 16 MiB.
exec awk 'BEGIN { for (n = 0; n < 12; n++) line = line "all work and no play makes a dull log "; for (n = 1; n <= 40000; n++) print "step " n " loss=" 1 / n, line }'
