"""Libraries that step an optimizer on their own: laid over with a learning rate of 0, nothing
that they train moves, and what they save has the script's rate."""

import unittest

import support

WHY = support.missing("torch")

#: Each prints the weight, and the rate that the optimizer's state has. "DEVICE" is cpu or cuda.
LIGHTNING = """
import logging, warnings
import torch
warnings.simplefilter("ignore")
import lightning.pytorch as L
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

class Model(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
        self.rates = set()
    def training_step(self, batch, i):
        return self.layer(batch).square().mean()
    def on_train_batch_end(self, *_):
        self.rates.add(self.optimizers().optimizer.state_dict()["param_groups"][0]["lr"])
    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), 0.1)

torch.manual_seed(0)
model = Model()
before = model.layer.weight.tolist()
trainer = L.Trainer(max_epochs=2, logger=False, enable_checkpointing=False, accelerator={"cpu": "cpu", "cuda": "gpu"}["DEVICE"], devices=1,
                    precision="PRECISION", gradient_clip_val=1.0, enable_model_summary=False, enable_progress_bar=False)
trainer.fit(model, torch.utils.data.DataLoader(torch.ones(8, 2), 2))
print(model.layer.weight.tolist() == before, model.rates, trainer.global_step)
"""

TRANSFORMERS = """
import io, sys, tempfile
import torch
from transformers import Trainer, TrainingArguments

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
    def forward(self, x, labels=None):
        y = self.layer(x)
        return {"loss": (y - labels).square().mean(), "logits": y}

torch.manual_seed(0)
model = Model()
before = model.layer.weight.tolist()
data = [{"x": torch.ones(1), "labels": torch.zeros(1)} for _ in range(8)]
args = TrainingArguments(tempfile.mkdtemp(), num_train_epochs=2, per_device_train_batch_size=2, save_strategy="no", report_to=[], disable_tqdm=True,
                         use_cpu="DEVICE" == "cpu", bf16=True, learning_rate=0.1, lr_scheduler_type="constant")
sys.stdout = io.StringIO()  # it tells times
trainer = Trainer(model, args, train_dataset=data)
trainer.train()
sys.stdout = sys.__stdout__
print(model.layer.weight.tolist() == before, {trainer.optimizer.state_dict()["param_groups"][0]["lr"]}, trainer.state.global_step)
"""

ACCELERATE = """
import torch
from accelerate import Accelerator

accelerator = Accelerator(cpu="DEVICE" == "cpu", mixed_precision="bf16")
torch.manual_seed(0)
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.AdamW(model.parameters(), 0.1)
model, optimizer = accelerator.prepare(model, optimizer)
before = model.weight.tolist()
for _ in range(8):
    optimizer.zero_grad()
    accelerator.backward(model(torch.ones(1, 2, device=accelerator.device)).square().mean())
    optimizer.step()
print(model.weight.tolist() == before, {optimizer.state_dict()["param_groups"][0]["lr"]}, 8)
"""

#: One rank, by each way in which torch spreads a model over several.
RANK = """
import os, tempfile, warnings
import torch
import torch.distributed as dist
from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.nn.parallel import DistributedDataParallel
warnings.simplefilter("ignore")
device = "DEVICE"
backend = {"cpu": "gloo", "cuda": "nccl"}[device]
dist.init_process_group(backend, init_method="file://" + os.path.join(tempfile.mkdtemp(), "store"), rank=0, world_size=1)

def replicated(model):
    model = DistributedDataParallel(model)
    return model, torch.optim.AdamW(model.parameters(), 0.1)

def redundant(model):
    model = DistributedDataParallel(model)
    return model, ZeroRedundancyOptimizer(model.parameters(), torch.optim.AdamW, lr=0.1)

def sharded(model):
    from torch.distributed.fsdp import FullyShardedDataParallel
    model = FullyShardedDataParallel(model, use_orig_params=True, device_id=torch.device("cuda", 0))
    return model, torch.optim.AdamW(model.parameters(), 0.1)

def fully_sharded(model):
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    fully_shard(model, mesh=init_device_mesh(device, (1,)))
    return model, torch.optim.AdamW(model.parameters(), 0.1)

def parallel(model):
    model = torch.nn.DataParallel(model)
    return model, torch.optim.AdamW(model.parameters(), 0.1)

kept = []
for spread in [SPREAD]:
    torch.manual_seed(0)
    model, optimizer = spread(torch.nn.Linear(2, 1).to(device))
    kept.append(optimizer)
    before = [p.detach().clone() for p in model.parameters()]
    for _ in range(8):
        optimizer.zero_grad()
        model(torch.ones(1, 2, device=device)).square().mean().backward()
        optimizer.step()
    same = all(bool((a == b.detach()).all()) for a, b in zip(before, model.parameters()))
    print(same, {optimizer.param_groups[0]["lr"]}, 8)
dist.destroy_process_group()
"""


@unittest.skipIf(WHY, WHY)
class Trainers(support.ScriptTest):
    device = "cpu"

    def look(self, script, optimizers=("optimizer",), lines=1):
        """Runs a script as it is, and with nothing to learn by."""
        script = script.replace("DEVICE", self.device)
        for parameters, stays in ((None, False), ({name + ".lr": 0.0 for name in optimizers}, True)):
            run = self.run_script(script, parameters=parameters)
            code, out, err = run.finish()
            self.assertEqual((code, out), (0, ("%s {0.1} 8\n" % stays) * lines), err)
            self.assertEqual(run.warnings(), [])
            if stays:
                self.assertEqual(set(run.samples("optimizer.lr")), {0.0})

    def test_lightning(self):
        self.needs("lightning")
        for precision in ("bf16-mixed", "16-mixed") if self.device == "cuda" else ("bf16-mixed",):
            with self.subTest(precision=precision):
                self.look(LIGHTNING.replace("PRECISION", precision))

    def test_transformers(self):
        self.needs("transformers", "accelerate")
        self.look(TRANSFORMERS)

    def test_accelerate(self):
        self.needs("accelerate")
        self.look(ACCELERATE)

    def test_one_rank(self):
        ways = ["replicated", "redundant", "parallel"]
        if support.missing("torch.distributed.fsdp"):
            self.skipTest("this torch has no torch.distributed.fsdp")
        if hasattr(support.sys.modules["torch.distributed.fsdp"], "fully_shard"):
            ways.append("fully_sharded")
        if self.device != "cpu":
            ways.append("sharded")  # wants a GPU
        # The second steps one within: whatever its own number is, the others follow.
        optimizers = ["optimizer"] + ["optimizer[%d]" % i for i in range(1, len(ways) + 1)]
        self.look(RANK.replace("SPREAD", ", ".join(ways)), optimizers, len(ways))

    def needs(self, *modules):
        if support.missing(*modules):
            self.skipTest(support.missing(*modules))


if __name__ == "__main__":
    unittest.main()
