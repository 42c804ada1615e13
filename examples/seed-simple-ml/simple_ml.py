"""One parameter with three choices: a line is fitted by gradient descent."""

import sys

from script_interface import ScriptInterface

POINTS = [(x / 10, 3 * x / 10 - 1) for x in range(-10, 11)]


def fit(learning_rate, steps=200):
    """Returns slope and intercept after so many steps."""
    slope = intercept = 0.0
    for _ in range(steps):
        errors = [(slope * x + intercept - y, x) for x, y in POINTS]
        slope -= learning_rate * sum(e * x for e, x in errors) / len(POINTS)
        intercept -= learning_rate * sum(e for e, _ in errors) / len(POINTS)
    return slope, intercept


class SimpleMLScript(ScriptInterface):
    def __init__(self):
        super().__init__("simple_ml", "Simple ML Example")
        self.register_parameter("learning_rate", 0.01, [0.001, 0.01, 0.1])

    def run(self):
        lr = self.get_parameter("learning_rate")
        print(f"Training with learning rate: {lr}")
        slope, intercept = fit(lr)
        print(f"y = {slope:.3f} x + {intercept:.3f}")
        self.update_results("line", {"slope": slope, "intercept": intercept})


if __name__ == "__main__":
    script = SimpleMLScript()
    if "--with-connector" in sys.argv:
        script.run_with_connector()
    else:
        script.run()
