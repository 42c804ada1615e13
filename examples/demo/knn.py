"""Nearest neighbours on Fisher's iris, with cross-validation. Knows nothing of mlhost."""

import argparse
import collections
import csv

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("data")
parser.add_argument("--neighbours", type=int, default=5, help="how many of them vote")
parser.add_argument("--folds", type=int, default=10)
args = parser.parse_args()

with open(args.data, newline="") as file:
    flowers = [([float(x) for x in row[:4]], row[4]) for row in list(csv.reader(file))[1:]]


def guess(known, flower):
    near = sorted(known, key=lambda other: sum((a - b) ** 2 for a, b in zip(other[0], flower)))
    votes = collections.Counter(species for _, species in near[: args.neighbours])
    return votes.most_common(1)[0][0]


total = 0
for fold in range(args.folds):
    test = flowers[fold :: args.folds]
    known = [f for i, f in enumerate(flowers) if i % args.folds != fold]
    right = sum(guess(known, flower) == species for flower, species in test)
    total += right
    print(f"fold {fold + 1}/{args.folds} accuracy: {right / len(test):.4f}")
print(f"mean accuracy: {total / len(flowers):.4f}")
