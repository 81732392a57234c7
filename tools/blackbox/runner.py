"""Runs the functions named test_* of the files test_*.py beside this one, in order, and says how each went."""

import importlib
import pathlib
import sys
import time
import traceback

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))


def main():
    wanted = sys.argv[1:] or sorted(path.stem for path in HERE.glob("test_*.py"))
    passed, failed = 0, 0
    for name in wanted:
        module = importlib.import_module(name)
        for function in [value for key, value in vars(module).items() if key.startswith("test_")]:
            title = (function.__doc__ or function.__name__).strip().split("\n")[0]
            begun = time.monotonic()
            try:
                function()
            except Exception:
                failed += 1
                print(f"  FAILED ({time.monotonic() - begun:.1f} s) {title}")
                traceback.print_exc()
            else:
                passed += 1
                print(f"  ok ({time.monotonic() - begun:.1f} s) {title}", flush=True)
    print(f"black box: {passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
