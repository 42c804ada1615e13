"""A small neural network on Fisher's iris, in plain Python.

Everything that mlhost needs is four lines: two parameters, a loop, what to
log, and a result. Without a host they do nothing, and this is still a script.
"""

import csv
import math
import pathlib
import random

import mlhost

SPECIES = ["setosa", "versicolor", "virginica"]
HIDDEN = 8

learning_rate = mlhost.param("learning_rate", 0.1, min=1e-5, max=10.0, scale="log")
epochs = mlhost.param("epochs", 100, min=1, max=10000)


def load():
    """The flowers, each measure scaled to mean 0 and deviation 1, and which species each is."""
    with open(pathlib.Path(__file__).resolve().parent.parent / "data" / "iris.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    columns = []
    for column in zip(*rows):
        if column[0] in SPECIES:
            kinds = [SPECIES.index(name) for name in column]
            continue
        xs = [float(x) for x in column]
        mean = sum(xs) / len(xs)
        deviation = math.sqrt(sum((x - mean) ** 2 for x in xs) / len(xs))
        columns.append([(x - mean) / deviation for x in xs])
    return list(zip(*columns)), kinds


def matrix(rows, columns):
    return [[random.gauss(0, 0.5) for _ in range(columns)] for _ in range(rows)]


def forward(flower):
    """The hidden values and the odds of each species."""
    inputs = (*flower, 1.0)
    hidden = [math.tanh(sum(w * x for w, x in zip(row, inputs))) for row in first]
    score = [sum(w * h for w, h in zip(row, (*hidden, 1.0))) for row in second]
    top = max(score)
    odds = [math.exp(s - top) for s in score]
    total = sum(odds)
    return inputs, hidden, [o / total for o in odds]


def train_epoch(flowers, rate):
    """One step down the gradient of all flowers; the mean loss before it."""
    down1 = [[0.0] * 5 for _ in first]
    down2 = [[0.0] * (HIDDEN + 1) for _ in second]
    loss = 0.0
    for flower, kind in flowers:
        inputs, hidden, odds = forward(flower)
        loss -= math.log(max(odds[kind], 1e-300))
        misses = [o - (k == kind) for k, o in enumerate(odds)]
        for row, miss in zip(down2, misses):
            for i, h in enumerate((*hidden, 1.0)):
                row[i] += miss * h
        for i, h in enumerate(hidden):
            back = (1 - h * h) * sum(miss * row[i] for miss, row in zip(misses, second))
            for j, x in enumerate(inputs):
                down1[i][j] += back * x
    for weights, down in ((first, down1), (second, down2)):
        for row, gradient in zip(weights, down):
            for i, d in enumerate(gradient):
                row[i] -= rate * d / len(flowers)
    return loss / len(flowers)


def accuracy(flowers):
    right = 0
    for flower, kind in flowers:
        odds = forward(flower)[2]
        right += odds.index(max(odds)) == kind
    return right / len(flowers)


random.seed(7)
first, second = matrix(HIDDEN, 5), matrix(3, HIDDEN + 1)
flowers = list(zip(*load()))
train = [f for i, f in enumerate(flowers) if i % 3]
test = [f for i, f in enumerate(flowers) if i % 3 == 0]

for epoch in mlhost.loop(epochs.value):
    loss = train_epoch(train, learning_rate.value)
    mlhost.log(loss=loss, accuracy=accuracy(test))
    mlhost.broadcast("training_update", {"epoch": epoch, "loss": loss})
mlhost.result(loss=loss, accuracy=accuracy(test), learning_rate=learning_rate.value)
mlhost.broadcast("training_done", {})
