"""What scripts report to tqdm, tensorboard, mlflow, wandb, Lightning and
transformers becomes variables, and the libraries do what they do without us."""

import importlib.util
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests"))

from harness import ScriptTest  # noqa: E402


def needs(*modules):
    def found(name):
        try:
            return importlib.util.find_spec(name) is not None
        except ImportError:
            return False

    missing = [m for m in modules if not found(m)]
    return unittest.skipIf(missing, "without " + ", ".join(missing))


class Trackers(ScriptTest):
    def run_both(self, source, *ops):
        """Runs a script under plain Python and under the shim, compares both, and
        returns the latter."""
        path = self.write(source)
        environment = {"WANDB_DIR": self.dir, "WANDB_SILENT": "true", "HF_HUB_OFFLINE": "1", "MLFLOW_TRACKING_URI": "file:" + self.dir + "/mlruns"}
        environment["MLFLOW_ALLOW_FILE_STORE"] = "true"
        for name, value in environment.items():
            self.addCleanup(os.environ.__setitem__, name, os.environ[name]) if name in os.environ else self.addCleanup(os.environ.pop, name, None)
            os.environ[name] = value
        bare = self.run_plain([sys.executable, path], cwd=self.dir)
        run = self.run_script(source, cwd=self.dir)
        code, out, err = run.finish()
        self.assertEqual((code, out), bare[:2], err + bare[2])
        self.assertEqual(run.warnings(), [])
        return run

    def series(self, run, name):
        return [(s[1], s[3]) for m in run.seen if m["op"] == "samples" for s in m["samples"] if s[0] == name]

    @needs("tqdm")
    def test_tqdm(self):
        run = self.run_both(
            """
            import inspect, io, time
            from tqdm.auto import tqdm, trange
            import tqdm as whole
            out = io.StringIO()
            print(inspect.signature(tqdm.update), inspect.signature(whole.tqdm.set_postfix), tqdm.update.__qualname__)
            total = 0
            for epoch in trange(2, file=out):
                with tqdm(range(5), file=out, desc="inner") as bar:
                    for i in bar:
                        total += i
                        bar.set_postfix(loss="%.2f" % (1 / (1 + total)), i=i, word="x")
            with tqdm(total=10, file=out) as bar:
                for i in range(5):
                    print(bar.update(2))
            for i in tqdm(range(1000), file=out):
                if i == 3:
                    break
            print(list(whole.tqdm([1, 2], disable=True)), bar.n, bar.disable)
            try:
                for i in tqdm(iter(lambda: 1 / 0, 1), file=out): pass
            except ZeroDivisionError as e:
                print(e)
            """
        )
        self.assertEqual(self.series(run, "i"), [(k, k % 5) for k in range(10)])
        self.assertEqual([v for _, v in self.series(run, "loss")][:2], [1.0, 0.5])
        self.assertEqual(self.series(run, "word"), [])
        steps = [m["step"] for m in run.seen if m["op"] == "step"]
        self.assertEqual(steps, sorted(steps))
        progress = [(m["done"], m.get("total")) for m in run.seen if m["op"] == "progress"]
        self.assertIn((2, 2), progress)
        self.assertIn((10, 10), progress)

    @needs("tqdm")
    def test_tqdm_costs_little(self):
        run = self.run_script(
            """
            import io, time
            from tqdm import tqdm
            out = io.StringIO()
            def once():
                began = time.perf_counter()
                for i in tqdm(range(200000), file=out, mininterval=10): pass
                return (time.perf_counter() - began) / 200000 * 1e6
            print(min(once() for _ in range(3)))
            """
        )
        code, out, err = run.finish()
        self.assertEqual(code, 0, err)
        self.assertLess(float(out), 10, "microseconds an iteration")

    def tensorboard(self, module):
        run = self.run_both(
            """
            import inspect, numpy
            from %s import SummaryWriter
            print(inspect.signature(SummaryWriter.add_scalar))
            with SummaryWriter("logs") as writer:
                for i in range(3):
                    print(writer.add_scalar("Loss/train", numpy.float32(i) / 2, i))
                writer.add_scalar("tagged", scalar_value=4, global_step=None)
                writer.add_scalars("both", {"a": 1.0, "b": 2.0}, 7)
                writer.add_hparams({"lr": 0.1, "name": "adam"}, {"hparam/acc": 0.5})
                try:
                    writer.add_scalar("bad", "text of nothing")
                except Exception as e:
                    print(type(e))
            """
            % module
        )
        self.assertEqual(self.series(run, "Loss/train"), [(0, 0.0), (1, 0.5), (2, 1.0)])
        self.assertEqual(self.series(run, "tagged"), [(None, 4)])
        self.assertEqual(self.series(run, "both/b")[0], (7, 2.0))
        self.assertEqual(self.series(run, "hparam/acc")[0][1], 0.5)
        parameters = {m["name"]: m["default"] for m in run.seen if m["op"] == "parameter"}
        self.assertEqual(parameters, {"lr": 0.1, "name": "adam"})

    @needs("torch", "tensorboard")
    def test_tensorboard_of_torch(self):
        self.tensorboard("torch.utils.tensorboard")

    @needs("tensorboardX")
    def test_tensorboardX(self):
        self.tensorboard("tensorboardX")

    @needs("mlflow")
    def test_mlflow(self):
        run = self.run_both(
            """
            import mlflow, inspect, pickle
            print(inspect.signature(mlflow.log_metric))
            print(pickle.loads(pickle.dumps(mlflow.log_metrics)) is mlflow.log_metrics)
            with mlflow.start_run() as active:
                print(mlflow.log_param("lr", 0.1), mlflow.log_params({"depth": 3}))
                print(mlflow.log_metric("loss", 0.5, step=2))
                mlflow.log_metric("loss", 0.25, step=3)
                mlflow.log_metrics({"acc": 0.5, "f1": 0.75}, step=3)
                client = mlflow.MlflowClient()
                client.log_metric(active.info.run_id, "own", 1.5, step=4)
                print(client.get_run(active.info.run_id).data.metrics)
            """
        )
        self.assertEqual(self.series(run, "loss"), [(2, 0.5), (3, 0.25)])
        self.assertEqual(self.series(run, "f1"), [(3, 0.75)])
        self.assertEqual(self.series(run, "own"), [(4, 1.5)])
        self.assertEqual({m["name"]: m["default"] for m in run.seen if m["op"] == "parameter"}, {"lr": 0.1, "depth": 3})

    @needs("wandb")
    def test_wandb(self):
        for mode in ("disabled", "offline"):
            with self.subTest(mode):
                run = self.run_both(
                    """
                    import wandb, inspect
                    run = wandb.init(mode="%s", project="p", config={"lr": 0.1})
                    print(inspect.signature(run.log), type(run).__name__)
                    for i in range(3):
                        print(wandb.log({"loss": i / 2, "train": {"acc": i}, "text": "x"}))
                    run.log({"late": 5.5}, step=10)
                    run.finish()
                    """
                    % mode
                )
                self.assertEqual([v for _, v in self.series(run, "loss")], [0.0, 0.5, 1.0])
                self.assertEqual([v for _, v in self.series(run, "train.acc")], [0, 1, 2])
                self.assertEqual(self.series(run, "late"), [(10, 5.5)])
                self.assertEqual(self.series(run, "text"), [])

    LIGHTNING = """
        import torch, warnings, logging
        warnings.simplefilter("ignore")
        import %s as L
        logging.getLogger().setLevel(logging.ERROR)
        class Model(L.LightningModule):
            def __init__(self):
                super().__init__()
                self.layer = torch.nn.Linear(2, 1)
            def training_step(self, batch, i):
                loss = self.layer(batch).square().mean()
                self.log("train_loss", loss, prog_bar=True)
                return loss
            def validation_step(self, batch, i):
                self.log("val_loss", self.layer(batch).square().mean())
            def configure_optimizers(self):
                return torch.optim.SGD(self.parameters(), 0.1)
        torch.manual_seed(0)
        data = torch.utils.data.DataLoader(torch.ones(8, 2), 2)
        trainer = L.Trainer(max_epochs=2, logger=False, enable_checkpointing=False, accelerator="cpu", log_every_n_steps=2,
                            enable_model_summary=False, enable_progress_bar=%s)
        trainer.fit(Model(), data, data)
        print(sorted(trainer.callback_metrics), trainer.global_step)
        """

    @needs("lightning")
    def test_lightning(self):
        run = self.run_both(self.LIGHTNING % ("lightning.pytorch", "False"))
        self.check_lightning(run)

    @needs("pytorch_lightning")
    def test_pytorch_lightning(self):
        run = self.run_both(self.LIGHTNING % ("pytorch_lightning", "False"))
        self.check_lightning(run)

    def check_lightning(self, run):
        self.assertEqual(len(self.series(run, "train_loss")), 4)
        self.assertGreaterEqual(len(self.series(run, "val_loss")), 2)
        self.assertEqual(self.series(run, "epoch")[-1][1], 1)

    @needs("transformers", "torch", "accelerate")
    def test_transformers(self):
        run = self.run_both(
            """
            import torch, transformers, sys
            from transformers import Trainer, TrainingArguments
            class Model(torch.nn.Module):
                def __init__(self):
                    super().__init__()
                    self.layer = torch.nn.Linear(1, 1)
                def forward(self, x, labels=None):
                    y = self.layer(x)
                    return {"loss": (y - labels).square().mean(), "logits": y}
            torch.manual_seed(0)
            data = [{"x": torch.ones(1), "labels": torch.zeros(1)} for _ in range(8)]
            args = TrainingArguments("out", num_train_epochs=2, per_device_train_batch_size=2, logging_steps=2, save_strategy="no",
                                     report_to=[], disable_tqdm=True, use_cpu=True, seed=0)
            sys.stdout = open("printed", "w")  # it tells times
            trainer = Trainer(Model(), args, train_dataset=data, eval_dataset=data)
            trainer.train()
            trainer.evaluate()
            sys.stdout = sys.__stdout__
            print(trainer.state.global_step)
            """
        )
        self.assertEqual([s for s, _ in self.series(run, "loss")], [2, 4, 6, 8])
        self.assertEqual(len(self.series(run, "eval_loss")), 1)
        self.assertIn((8, 8), [(m["done"], m["total"]) for m in run.seen if m["op"] == "progress"])


if __name__ == "__main__":
    unittest.main()
