"""Embeds each line of standard input with a MiniLM in a directory (safetensors, BERT): 384 numbers a line, by numpy.

usage: embed.py DIR < texts
"""

import json
import math
import pathlib
import sys

import numpy
from tokenizers import Tokenizer


def tensors(path):
    """The format of safetensors: the length of a JSON header, the header, the numbers."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header, base = json.loads(data[8 : 8 + length]), 8 + length
    found = {}
    for name, about in header.items():
        if name != "__metadata__" and about["dtype"] == "F32":
            start, end = about["data_offsets"]
            found[name] = numpy.frombuffer(data[base + start : base + end], "<f4").reshape(about["shape"])
    return found


class Embedder:
    def __init__(self, directory):
        self.config = json.loads((directory / "config.json").read_text())
        self.weights = tensors(directory / "model.safetensors")
        self.tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(256)

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def norm(self, x, name):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / numpy.sqrt((centred**2).mean(-1, keepdims=True) + self.config["layer_norm_eps"])
        return scaled * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def attention(self, x, name):
        heads = self.config["num_attention_heads"]
        q, k, v = (
            self.linear(x, f"{name}.self.{part}").reshape(len(x), heads, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
        weights = numpy.exp(scores - scores.max(-1, keepdims=True))
        mixed = (weights / weights.sum(-1, keepdims=True)) @ v
        return self.linear(mixed.transpose(1, 0, 2).reshape(len(x), -1), f"{name}.output.dense")

    def __call__(self, text):
        ids = self.tokenizer.encode(text).ids
        words, places, kinds = (self.weights[f"embeddings.{n}_embeddings.weight"] for n in ("word", "position", "token_type"))
        x = self.norm(words[ids] + places[: len(ids)] + kinds[0], "embeddings.LayerNorm")
        erf = numpy.vectorize(math.erf, otypes=[numpy.float32])
        for number in range(self.config["num_hidden_layers"]):
            layer = f"encoder.layer.{number}"
            x = self.norm(x + self.attention(x, f"{layer}.attention"), f"{layer}.attention.output.LayerNorm")
            inner = self.linear(x, f"{layer}.intermediate.dense")
            inner = inner * 0.5 * (1 + erf(inner / math.sqrt(2)))
            x = self.norm(x + self.linear(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
        mean = x.mean(0)
        return mean / numpy.linalg.norm(mean)


def main():
    embed = Embedder(pathlib.Path(sys.argv[1]))
    for line in sys.stdin:
        print(" ".join(f"{number:.5f}" for number in embed(line.strip())), flush=True)


if __name__ == "__main__":
    main()
