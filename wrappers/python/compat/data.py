"""Data for scripts whose own cannot be had here: files of the same names and formats, with
generated contents, always the same ones. Each function gets the folder of the repository's copy."""

import gzip
import os
import pickle
import random
import struct


def mnist(repo):
    """Writes the four files of MNIST (IDX, gzipped and not), 256 images to train and 128 to test."""
    folder = os.path.join(repo, "data", "MNIST", "raw")
    os.makedirs(folder)
    dice = random.Random(1)
    for kind, count in (("train", 256), ("t10k", 128)):
        labels = bytes(dice.randrange(10) for _ in range(count))
        images = b"".join(picture(dice, label) for label in labels)
        write(folder, kind + "-labels-idx1-ubyte", struct.pack(">II", 0x801, count) + labels)
        write(folder, kind + "-images-idx3-ubyte", struct.pack(">IIII", 0x803, count, 28, 28) + images)


def picture(dice, label):
    """Returns 28 × 28 grey values: a bar whose place is the label, and noise."""
    rows = [bytearray(dice.randrange(40) for _ in range(28)) for _ in range(28)]
    for row in rows[4:24]:
        row[4 + 2 * label] = row[5 + 2 * label] = 255
    return b"".join(rows)


def write(folder, name, data):
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)
    with gzip.GzipFile(os.path.join(folder, name + ".gz"), "wb", mtime=0) as f:
        f.write(data)


def wikitext(repo):
    """Writes the three text files of wikitext-2, of 200 different words."""
    folder = os.path.join(repo, "word_language_model", "data", "wikitext-2")
    os.makedirs(folder, exist_ok=True)
    dice = random.Random(2)
    for name, lines in (("train", 400), ("valid", 40), ("test", 40)):
        with open(os.path.join(folder, name + ".txt"), "w", encoding="utf-8") as f:
            for _ in range(lines):
                f.write(" " + " ".join("w%d" % min(int(dice.expovariate(0.05)), 199) for _ in range(20)) + " \n")


def results(repo):
    """Makes the folder that vae/main.py writes into (empty in the repository)."""
    os.makedirs(os.path.join(repo, "vae", "results"), exist_ok=True)


def characters(repo):
    """Writes what data/shakespeare_char/prepare.py makes: train.bin, val.bin and meta.pkl."""
    folder = os.path.join(repo, "data", "shakespeare_char")
    dice = random.Random(3)
    words = ["the", "king", "shall", "speak", "and", "we", "hear", "his", "word", "again"]
    text = "\n".join(" ".join(dice.choice(words) for _ in range(8)) for _ in range(800))
    letters = sorted(set(text))
    number = {c: i for i, c in enumerate(letters)}
    cut = len(text) * 9 // 10
    for name, part in (("train", text[:cut]), ("val", text[cut:])):
        with open(os.path.join(folder, name + ".bin"), "wb") as f:
            f.write(struct.pack("=%dH" % len(part), *(number[c] for c in part)))
    with open(os.path.join(folder, "meta.pkl"), "wb") as f:
        pickle.dump({"vocab_size": len(letters), "itos": dict(enumerate(letters)), "stoi": number}, f)


def forty_times(repo):
    """Makes LightGBM's binary classification long enough that a person could change something in its ten rounds."""
    folder = os.path.join(repo, "examples", "binary_classification")
    for name in ("binary.train", "binary.train.weight"):
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            text = f.read()
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write((text.rstrip("\n") + "\n") * 40)
