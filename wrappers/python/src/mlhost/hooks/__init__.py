"""Hooks into libraries: what they report and control becomes the script's.

One file for each library, with install(module), which is called when the module
has been imported, and never otherwise. A hook changes nothing that the script
could see: no result, no exception, no signature, nothing that is pickled. One
that fails is left out, with one warning, and the script runs on.
"""

from __future__ import annotations

from importlib import import_module

from .._imports import on_import
from .._typing import Any, Dict

#: The file of this folder for each module; several modules may share one.
TABLE: Dict[str, str] = {
    "absl.flags._flagvalues": "absl_flags",
    "argparse": "argparse_parser",
    "click.core": "click_commands",
    "fire.core": "fire_functions",
    "hydra._internal.callbacks": "hydra_config",
    "jsonargparse._core": "dataclass_parsers",
    "keras.src.callbacks.callback_list": "keras",
    "lightgbm.engine": "lightgbm",
    "lightning.pytorch.trainer.connectors.logger_connector.logger_connector": "lightning",
    "mlflow.tracking.client": "mlflow",
    "mlflow.tracking.fluent": "mlflow",
    "pytorch_lightning.trainer.connectors.logger_connector.logger_connector": "lightning",
    "simple_parsing.parsing": "dataclass_parsers",
    "sklearn.base": "sklearn",
    "sklearn.neural_network._multilayer_perceptron": "sklearn",
    "sklearn.neural_network._stochastic_optimizers": "sklearn",
    "tensorboardX.writer": "tensorboard",
    "torch.optim.optimizer": "torch_optimizer",
    "torch.utils.tensorboard.writer": "tensorboard",
    "tqdm.std": "tqdm",
    "transformers.hf_argparser": "dataclass_parsers",
    "transformers.trainer_callback": "transformers",
    "typer._click.core": "click_commands",
    "tyro": "dataclass_parsers",
    "wandb.sdk.lib.noop_run": "wandb",
    "wandb.sdk.wandb_run": "wandb",
    "xgboost.training": "xgboost",
}


def install() -> None:
    """Has each hook installed when its library is imported."""
    for module, file in TABLE.items():
        on_import(module, _installer(file))


def _installer(file: str) -> Any:
    def install_hook(module: Any) -> None:
        import_module("%s.%s" % (__name__, file)).install(module)

    return install_hook
