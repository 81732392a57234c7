"""Where the real model can't be had: reads the files of a directory, and answers each line with a digest over both."""

import hashlib
import pathlib
import sys

tree = hashlib.sha256()
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*")):
    if path.is_file():
        tree.update(path.read_bytes())
for line in sys.stdin:
    print(hashlib.sha256(tree.digest() + line.encode()).hexdigest(), flush=True)
