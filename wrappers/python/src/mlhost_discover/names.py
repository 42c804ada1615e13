"""The one name that a thing of a library is known by."""

# Never taken for files of the tree, not even in the repositories that make them.
LIBRARIES = {"argparse", "optparse", "dataclasses", "typing", "enum", "abc", "os", "sys", "click", "typer", "absl", "fire", "tyro", "hydra", "omegaconf", "simple_parsing",
             "jsonargparse", "draccus", "pyrallis", "docopt", "tap", "configargparse", "attr", "attrs", "ml_collections", "gin", "lightning", "pytorch_lightning", "torch", "numpy", "jax", "tensorflow"}
STARS = {"argparse": ("ArgumentParser", "BooleanOptionalAction", "SUPPRESS", "FileType"), "typing": ("List", "Optional", "Literal", "Union", "Dict", "Tuple"),
         "dataclasses": ("dataclass", "field"), "absl.flags": (), "transformers": ("HfArgumentParser",), "os": ("environ", "getenv", "path"),
         "script_interface": ("ScriptInterface",), "mlhost": ("param",), "pathlib": ("Path",)}
ALIASES = {
    "tensorflow.app.flags": "absl.flags", "tensorflow.compat.v1.flags": "absl.flags", "tensorflow.compat.v1.app.flags": "absl.flags",
    "tensorflow.flags": "absl.flags", "typing_extensions": "typing", "rich_click": "click", "asyncclick": "click", "builtins": "",
    "transformers.hf_argparser.HfArgumentParser": "transformers.HfArgumentParser", "trl.TrlParser": "transformers.HfArgumentParser",
    "trl.commands.cli_utils.TrlParser": "transformers.HfArgumentParser", "configargparse.ArgParser": "argparse.ArgumentParser",
    "configargparse.ArgumentParser": "argparse.ArgumentParser", "configargparse.ArgParse": "argparse.ArgumentParser", "configargparse.Parser": "argparse.ArgumentParser",
    "pyrallis": "draccus", "click.core.Option": "click.option", "click.types.INT": "click.INT", "click.types.IntRange": "click.IntRange",
    "simple_parsing.helpers": "simple_parsing", "simple_parsing.helpers.fields": "simple_parsing", "tyro.conf.arg": "tyro.arg",
    "tap.tap.Tap": "tap.Tap", "jsonargparse.auto_cli": "jsonargparse.CLI", "jsonargparse.cli.CLI": "jsonargparse.CLI", "fire.core.Fire": "fire.Fire",
}


def canonical(name):
    """Returns the one name that a thing of a library is known by here."""
    head, best = name, ""
    while head:
        if head in ALIASES:
            best = head
            break
        head = head.rpartition(".")[0]
    if best:
        return (ALIASES[best] + name[len(best):]).lstrip(".")
    return name
