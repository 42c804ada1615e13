"""An averaged perceptron on Fisher's iris. Written for the command line, not for mlhost."""

import argparse
import csv
import os
import random
import sys


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rate", type=float, default=1.0)
    return parser.parse_args()


def main():
    args = parse()
    random.seed(int(os.environ.get("SEED", "0")))
    with open(args.data, newline="") as file:
        rows = list(csv.reader(file))[1:]
    flowers = [([1.0] + [float(x) for x in row[:4]], 1 if row[4] == "virginica" else -1) for row in rows]
    random.shuffle(flowers)
    train, test = flowers[:100], flowers[100:]
    weights, total = [0.0] * 5, [0.0] * 5
    for epoch in range(1, args.epochs + 1):
        mistakes = 0
        for flower, side in train:
            if side * sum(w * x for w, x in zip(weights, flower)) <= 0:
                mistakes += 1
                weights = [w + args.rate * side * x for w, x in zip(weights, flower)]
            total = [t + w for t, w in zip(total, weights)]
        print(f"Epoch {epoch}/{args.epochs} mistakes: {mistakes} loss: {mistakes / len(train):.4f}")
    right = sum(side * sum(t * x for t, x in zip(total, flower)) > 0 for flower, side in test)
    print(f"test accuracy = {right / len(test):.4f}")
    if right < len(test) / 2:
        sys.exit("worse than guessing")


if __name__ == "__main__":
    main()
