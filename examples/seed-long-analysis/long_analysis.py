"""A long piece of work that shows how far it is: digits of pi by a spigot."""

import sys

from script_interface import ScriptInterface


def digits_of_pi():
    """Yields the digits, one after another (Gibbons' spigot)."""
    q, r, t, k, n, m = 1, 0, 1, 1, 3, 3
    while True:
        if 4 * q + r - t < n * t:
            yield n
            q, r, n = 10 * q, 10 * (r - n * t), (10 * (3 * q + r)) // t - 10 * n
        else:
            q, r, t, k, n, m = q * k, (2 * q + r) * m, t * m, k + 1, (q * (7 * k + 2) + r * m) // (t * m), m + 2


counts = [0] * 10
digits = digits_of_pi()


def process_step(step):
    counts[next(digits)] += 1


class LongRunningAnalysis(ScriptInterface):
    def __init__(self):
        super().__init__("long_analysis", "Long Running Analysis")
        self.register_variable("progress", 0.0)
        self.register_variable("eta_seconds", 0)

    def run(self):
        total_steps = 1000
        for step in range(total_steps):
            # Update progress
            progress = (step / total_steps) * 100
            self.set_variable("progress", progress)
            self.set_variable("eta_seconds", (total_steps - step) * 0.1)

            # Do work
            process_step(step)
        self.update_results("digit_counts", counts)


if __name__ == "__main__":
    script = LongRunningAnalysis()
    if "--with-connector" in sys.argv:
        script.run_with_connector()
    else:
        script.run()
