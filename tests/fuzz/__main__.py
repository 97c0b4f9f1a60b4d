"""As many made-up inputs as there is time for: `python -m tests.fuzz [--inputs 1000000] [--seed N] [SURFACE ...]`."""

from __future__ import annotations

import argparse
import secrets
import time

from tests.fuzz.surfaces import SURFACES, run


def main() -> None:
    """Run, and print figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("surfaces", nargs="*", choices=[*SURFACES, []], metavar="SURFACE", help=", ".join(SURFACES))
    parser.add_argument("--inputs", type=int, default=1_000_000, help="for each surface")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    for name in asked.surfaces or SURFACES:
        begun = time.process_time()
        run(name, asked.inputs, asked.seed)
        spent = time.process_time() - begun
        print(f"{name:<18}{asked.inputs:>10,} inputs, nothing broken, {spent:.0f} s of processor time", flush=True)


if __name__ == "__main__":
    main()
