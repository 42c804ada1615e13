"""Shares its training progress with every other script that lives."""

import random
import sys

from script_interface import ConnectorClient, ScriptInterface

random.seed(7)
POINTS = [(x / 10, 2 * x / 10 + random.gauss(0, 0.1)) for x in range(20)]
slope = 0.0


def train_epoch():
    """Makes one step of gradient descent and returns the loss before it."""
    global slope
    errors = [(slope * x - y, x) for x, y in POINTS]
    slope -= 0.3 * sum(e * x for e, x in errors) / len(POINTS)
    return sum(e * e for e, _ in errors) / len(POINTS)


class CollaborativeTrainer(ScriptInterface):
    def __init__(self):
        super().__init__("collab_trainer", "Collaborative Training")
        self.client = ConnectorClient(self)

    def run(self):
        # Share training progress
        for epoch in range(10):
            loss = train_epoch()
            self.client.broadcast_data({
                "type": "training_update",
                "epoch": epoch,
                "loss": loss
            })
        self.update_results("final_loss", loss)


if __name__ == "__main__":
    script = CollaborativeTrainer()
    if "--with-connector" in sys.argv:
        script.run_with_connector()
    else:
        script.run()
