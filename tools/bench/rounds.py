"""Rounds of a part, each beside what the machine can do: its clock drifts within seconds."""

import json
import statistics
import subprocess


class Slices:
    """Short slices of V before, between and after the rounds of a part."""

    def __init__(self, program, directory, seconds=0.4):
        self.command = [str(program), "verifications", str(directory), str(seconds)]

    def take(self):
        return json.loads(subprocess.run(self.command, check=True, stdout=subprocess.PIPE, text=True).stdout)

    def rounds(self, count, measure):
        """`count` rounds: what `measure` returned, with the means of the two slices beside it: V, and the microseconds of
        one core that a verification takes."""
        rounds = []
        before = self.take()
        for _ in range(count):
            result = measure()
            after = self.take()
            rounds.append({**result, **{key: (before[key] + after[key]) / 2 for key in before if key != "entries"}})
            before = after
        return rounds


def median(rounds, value):
    """The median of a value: its name, or what makes it of a round."""
    return statistics.median(one[value] if isinstance(value, str) else value(one) for one in rounds)


def ratio(rounds):
    """The median of what each round did, over the V beside it."""
    return median(rounds, lambda one: one["perSecond"] / one["V"])
