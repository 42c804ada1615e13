"""Data for scripts whose own cannot be had here: files of the same names and formats, with
generated contents, always the same ones. Each function gets the folder of the repository's copy."""

import gzip
import os
import pickle
import random
import struct
import zlib


def mnist(repo, where="data", train=256, test=128):
    """Writes the four files of MNIST (IDX, gzipped and not); no more than 256 images are different ones."""
    folder = os.path.join(repo, where, "MNIST", "raw")
    os.makedirs(folder)
    dice = random.Random(1)
    for kind, count in (("train", train), ("t10k", test)):
        labels = bytes(dice.randrange(10) for _ in range(min(count, 256)))
        images = b"".join(picture(dice, label) for label in labels)
        labels, images = (labels * (count // 256 + 1))[:count], (images * (count // 256 + 1))[: count * 784]
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


def mnist_in(where, **counts):
    """Returns what writes MNIST below another folder of the repository."""
    return lambda repo: mnist(repo, where, **counts)


def png(path, dice, label, size):
    """Writes a picture: a bar of a colour whose place is the label, and noise."""
    rows = bytearray()
    for _ in range(size):
        rows.append(0)
        for x in range(size):
            on = x // (size // 3) == label
            rows += bytes((250 if on and label == c else dice.randrange(60)) for c in range(3))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n")
        for kind, body in ((b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b"")):
            f.write(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))


def image_folders(repo):
    """Writes pictures of three classes, in the folders that torchvision's ImageFolder and timm read."""
    dice = random.Random(4)
    for part, count in (("train", 16), ("val", 8)):
        for label in range(3):
            for i in range(count):
                png(os.path.join(repo, "pictures", part, "class%d" % label, "%d.png" % i), dice, label, 48)


def boxes(repo):
    """Writes pictures with boxes and their description, as YOLO's trainers read them, and a font, which they would fetch."""
    dice = random.Random(5)
    for part in ("train", "val"):
        for i in range(8):
            label = dice.randrange(3)
            png(os.path.join(repo, "boxes", "images", part, "%d.png" % i), dice, label, 48)
            text = os.path.join(repo, "boxes", "labels", part, "%d.txt" % i)
            os.makedirs(os.path.dirname(text), exist_ok=True)
            with open(text, "w", encoding="utf-8") as f:
                f.write("%d %.4f 0.5 0.3333 1.0\n" % (label, (label + 0.5) / 3))
    with open(os.path.join(repo, "boxes", "boxes.yaml"), "w", encoding="utf-8") as f:
        f.write("path: %s\ntrain: images/train\nval: images/val\nnames: [red, green, blue]\n" % os.path.join(repo, "boxes"))
    os.makedirs(os.path.join(repo, "settings"))
    with open(os.path.join(repo, "settings", "Arial.ttf"), "wb"):
        pass


def old_gym(repo):
    """Writes a module gym with the interface of before 0.26, which gymnasium's differs from."""
    os.makedirs(os.path.join(repo, "old"))
    with open(os.path.join(repo, "old", "gym.py"), "w", encoding="utf-8") as f:
        f.write(OLD_GYM)


OLD_GYM = """import gymnasium


class _Old:
    def __init__(self, env):
        self._env = env

    def reset(self):
        return self._env.reset()[0]

    def step(self, action):
        state, reward, ended, cut, info = self._env.step(action)
        return state, reward, ended or cut, info

    def __getattr__(self, name):
        return getattr(self._env, name)


def make(name):
    return _Old(gymnasium.make(name))
"""
