"""Softmax regression on iris. Shares its loss, and asks the evaluator how good it is."""

import math
import sys

import iris
from script_interface import ConnectorClient, ScriptInterface


class Trainer(ScriptInterface):
    def __init__(self):
        super().__init__("trainer", "Softmax regression on Fisher's iris")
        self.register_parameter("learning_rate", 1.0)
        self.register_parameter("epochs", 300, range(1, 10001))
        self.register_variable("loss", 0.0)
        self.register_variable("accuracy", 0.0)
        self.register_callback("learning_rate", self.on_learning_rate)
        self.client = ConnectorClient(self)
        self.weights = [[0.0] * 5 for _ in iris.SPECIES]
        self.flowers, self.species = iris.load("train")

    def on_learning_rate(self, new_value):
        self.logger.info("learning rate is %g now", new_value)

    def run(self):
        epoch, accuracy = 0, None
        while self.running and epoch < self.get_parameter("epochs"):
            loss = self.train_epoch(self.get_parameter("learning_rate"))
            self.set_variable("loss", loss)
            self.client.broadcast_data({"type": "training_update", "epoch": epoch, "loss": loss})
            epoch += 1
            if epoch % 50 == 0:
                accuracy = self.ask_accuracy()
        self.client.broadcast_data({"type": "training_done", "epochs": epoch})
        self.update_results("final", {"loss": loss, "accuracy": accuracy, "epochs": epoch})

    def ask_accuracy(self):
        """What the evaluator says, None without one."""
        answer = self.client.request_collaboration("evaluator", {"type": "evaluate", "weights": self.weights})
        accuracy = (answer.get("reply") or {}).get("accuracy")
        if accuracy is not None:
            self.set_variable("accuracy", accuracy)
        return accuracy

    def train_epoch(self, rate):
        """One step down the gradient of all flowers; the mean loss before it."""
        count, loss = len(self.flowers), 0.0
        gradient = [[0.0] * 5 for _ in self.weights]
        for flower, species in zip(self.flowers, self.species):
            score = iris.scores(self.weights, flower)
            top = max(score)
            odds = [math.exp(s - top) for s in score]
            total = sum(odds)
            loss -= score[species] - top - math.log(total)
            for k, row in enumerate(gradient):
                miss = odds[k] / total - (k == species)
                for i, x in enumerate(flower):
                    row[i] += miss * x
        for row, down in zip(self.weights, gradient):
            for i, d in enumerate(down):
                row[i] -= rate * d / count
        return loss / count


if __name__ == "__main__":
    trainer = Trainer()
    if "--with-connector" in sys.argv:
        trainer.run_with_connector()
    else:
        trainer.run()
