"""LightningCLI: the arguments of the trainer, the model and the data."""

from values import Class, Const, Ext, Func, Instance, Parser, Table

NAMES = ("lightning.pytorch.cli.LightningCLI", "pytorch_lightning.cli.LightningCLI", "pytorch_lightning.utilities.cli.LightningCLI", "lightning.pytorch.LightningCLI")
WAYS = ("fit", "validate", "test", "predict")


class Lightning:
    """Reads what LightningCLI makes of the classes that it is given."""

    def lightning(self, args, kwargs, node, scope, cls=None):
        given = dict(zip(("model_class", "datamodule_class"), args), **kwargs)
        self.style("jsonargparse")
        parser = Parser("jsonargparse", node.lineno, scope.module)
        parser.parsed, parser.abbreviates = True, False
        self.parsers.append(parser)
        if self.truth(given.get("run", Const(True))) is not False:
            parser.nested, parser.paths = True, [[way] for way in WAYS]
        seed = self.lightning_param("seed_everything", node, scope)
        seed.type, seed.default = "any", True
        default = given.get("seed_everything_default")
        if isinstance(default, Const):
            seed.default = default.value
        parser.params.append(seed)
        trainer = given.get("trainer_class") or Ext("lightning.pytorch.Trainer")
        self.lightning_class(parser, "trainer", trainer, node, scope)
        for key, prefix in (("model_class", "model"), ("datamodule_class", "data")):
            value = given.get(key)
            if value is None or isinstance(value, Const) and value.value is None:
                chosen = self.lightning_param(prefix, node, scope)
                chosen.type, chosen.required = "string", key == "model_class"
                parser.params.append(chosen)
                self.problem(node.lineno, "which class %s is stands in the arguments or a file: its arguments are not seen" % prefix, scope.module)
                continue
            if self.truth(given.get("subclass_mode_" + prefix, Const(False))) is True:
                self.problem(node.lineno, "%s may be any subclass: listed are the arguments of the one that is named" % prefix, scope.module)
            self.lightning_class(parser, prefix, value, node, scope)
        self.lightning_defaults(parser, given.get("trainer_defaults"), "trainer")
        if parser.nested:
            self.lightning_ways(parser, trainer)
        added = self.member(cls, "add_arguments_to_parser") if cls is not None else None
        if isinstance(added, Func):
            self.call_function(added, [Instance(cls), parser], {}, node)
        if self.truth(given.get("auto_configure_optimizers", Const(True))) is not False:
            for name in ("optimizer", "lr_scheduler"):
                if not any(p.name.startswith(name) for p in parser.params):
                    chosen = self.lightning_param(name, node, scope)
                    chosen.type, chosen.doc = "string", "the class of the " + name.replace("_", " ")
                    parser.params.append(chosen)
        return Instance(None)

    def lightning_param(self, name, node, scope):
        param = self.param(name, node.lineno, scope, "jsonargparse")
        param.confidence = "likely"
        return param

    def lightning_class(self, parser, prefix, value, node, scope):
        """Adds the arguments with which a class is made."""
        value = self.class_of(value)
        if not isinstance(value, Class):
            self.problem(node.lineno, "the arguments of %s are not seen: it is not in this tree, and not where the interpreter has its libraries" % (getattr(value, "name", "") or prefix), scope.module)
            return
        init = self.member(value, "__init__")
        if isinstance(init, Func):
            parser.params += self.signature(init, "jsonargparse", prefix, True)

    def lightning_ways(self, parser, trainer):
        """Adds what fit, validate, test and predict take besides."""
        trainer = self.class_of(trainer)
        for way in WAYS if isinstance(trainer, Class) else ():
            method = self.member(trainer, way)
            for p in self.signature(method, "jsonargparse", "", True) if isinstance(method, Func) else ():
                if p.name not in ("model", "datamodule", "dataloaders", "train_dataloaders", "val_dataloaders"):
                    before = next((q for q in parser.params if q.name == p.name), None)
                    p.nested, p.passed, p.commands = True, "", [[way]]
                    if before is None:
                        parser.params.append(p)
                    else:
                        before.join(p)

    def lightning_defaults(self, parser, table, prefix):
        for key, value in table.items.items() if isinstance(table, Table) else ():
            for p in parser.params:
                if p.name == "%s.%s" % (prefix, key):
                    self.default(p, value, p.name)

    def lightning_method(self, parser, name, args, kwargs, node, scope):
        """What a LightningCLI of the script's own adds: optimizers, schedules, links."""
        if name in ("set_defaults",) and args and isinstance(args[0], Table):
            for key, value in args[0].items.items():
                for p in parser.params:
                    if p.name == key:
                        self.default(p, value, key)
            return True
        if name == "link_arguments":
            target = self.text(args[1]) if len(args) > 1 else None
            parser.params = [p for p in parser.params if p.name != target]
            return True
        if name in ("add_optimizer_args", "add_lr_scheduler_args"):
            key = self.text(args[1]) if len(args) > 1 else self.text(kwargs.get("nested_key")) or name[4:-5]
            self.lightning_class(parser, key, args[0], node, scope) if args else None
            parser.params = [p for p in parser.params if p.name not in (key + ".params", key + ".optimizer")]
            return True
        return False
