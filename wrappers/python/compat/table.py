"""The scripts that `make compat` runs, all of other people's repositories, and what is done to each."""

import dataclasses
import typing

import data

TIMES = r"\d+(\.\d+)? ?(ms|s)\b"  # what clocks say differs from run to run
NUMBERS = r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?"  # of scripts that draw random numbers without a seed


@dataclasses.dataclass
class Script:
    repo: str  # OWNER/NAME, as the folder below REPOS is called
    path: str
    args: str = ""  # of the run that is compared with plain Python: short
    live: typing.Optional[str] = None  # arguments of the run that is changed while it runs; None: the same
    change: str = ""  # NAME=VALUE
    when: str = ""  # the change is made when a line of the output matches this (or at once)
    series: str = ""  # the variable that shows the change
    output: str = ""  # or: what lines show after it
    release: bool = False  # the parameter is given back after that
    data: tuple = ()  # what makes the data that cannot be had
    keep: str = ""  # the part of the repository that is copied; "" is the whole
    env: dict = dataclasses.field(default_factory=dict)
    mask: tuple = ()  # differs between any two runs: patterns that are left out when output is compared
    drop: str = ""  # likewise, lines that come or not
    own: str = ""  # Python that prints, as JSON, the names that a script without a parser takes
    note: str = ""


def examples(path, **more):
    return Script("scikit-learn/scikit-learn", "examples/" + path, keep="examples/" + path.split("/")[0], env={"MPLBACKEND": "Agg"}, **more)


SCRIPTS = [
    Script(
        "pytorch/examples", "mnist/main.py", "--epochs 1 --log-interval 1", "--epochs 1000 --log-interval 1", "lr=0.25",
        when=r"Epoch: 2 ", series="optimizer.lr", release=True, data=(data.mnist,), keep="mnist", note="generated MNIST files",
    ),
    Script(
        "pytorch/examples", "vae/main.py", "--epochs 1 --log-interval 1", "--epochs 5000", "log_interval=1",
        when=r"Epoch: 3 ", output=r"\[128/256", data=(data.mnist, data.results), keep="vae", note="generated MNIST files",
    ),
    Script(
        "pytorch/examples", "word_language_model/main.py", "--epochs 1 --emsize 16 --nhid 16 --log-interval 5 --use-optimizer --lr 0.01",
        "--epochs 1000 --emsize 16 --nhid 16 --log-interval 5 --use-optimizer --lr 0.01", "optimizer.lr=0.002",
        when=r"end of epoch +1", series="optimizer.lr", release=True, data=(data.wikitext,), keep="word_language_model",
        mask=(TIMES, r"ms/batch +[\d.]+"), note="generated wikitext-2 files",
    ),
    Script(
        "pytorch/examples", "time_sequence_prediction/train.py", "--steps 1", "--steps 50", "steps=3", when="STEP:  0", series="",
        keep="time_sequence_prediction", note="traindata.pt by the repository's generate_sine_wave.py",
    ),
    Script(
        "pytorch/examples", "regression/main.py", change="POLY_DEGREE=3", keep="regression", mask=(NUMBERS,),
        note="ends in a second or less",
    ),
    Script(
        "karpathy/nanoGPT", "train.py",
        "config/train_shakespeare_char.py --device=cpu --compile=False --eval_iters=2 --n_layer=1 --n_head=2 --n_embd=16 --block_size=32 "
        "--batch_size=4 --max_iters=8 --log_interval=1 --dtype=float32",
        "config/train_shakespeare_char.py --device=cpu --compile=False --eval_iters=2 --n_layer=1 --n_head=2 --n_embd=16 --block_size=32 "
        "--batch_size=4 --max_iters=1000000 --log_interval=1 --dtype=float32", "learning_rate=0.0003",
        when="iter 120:", series="optimizer.lr", data=(data.characters,), mask=(TIMES, r"mfu -?[\d.]+%"),
        own="import json; _s = open('train.py').read().split('exec(open')[0]; exec(_s); print(json.dumps(config_keys))",
        note="generated text in the format of prepare.py",
    ),
    Script(
        "dmlc/xgboost", "demo/guide-python/evals_result.py", change="num_round=5", keep="demo", mask=(r"\[\d\d:\d\d:\d\d\]",), note="its own data; ends in a second or less",
    ),
    Script(
        "dmlc/xgboost", "demo/guide-python/custom_rmsle.py", "--plot 0", "--plot 0", "xgboost.learning_rate=0.05", when=r"\[1\]",
        series="xgboost.learning_rate", keep="demo", mask=(r"in: [\d.]+",), env={"MPLBACKEND": "Agg"}, note="ends in seconds",
    ),
    examples("ensemble/plot_ensemble_oob.py", change="max_estimators=50"),
    examples("neural_networks/plot_mlp_training_curves.py", change='labels=["a","b","c","d","e","f","g"]', when="learning on dataset digits",
             output="training: a$"),
    examples("ensemble/plot_bias_variance.py", change="noise=0.2"),
    examples("ensemble/plot_gradient_boosting_oob.py", change="n_samples=500"),
    examples("cluster/plot_adjusted_for_chance_measures.py", change="n_classes=4", when="Computing", mask=(r"in [\d.]+ ?s",), note="needs seaborn"),
    examples("cluster/plot_kmeans_stability_low_dim_dense.py", change="n_runs=2", when="Evaluation", mask=(TIMES,)),
    examples("ensemble/plot_adaboost_twoclass.py", change="plot_step=0.05"),
    examples("mixture/plot_gmm_init.py", change="n_samples=500", mask=()),
    examples("cluster/plot_mini_batch_kmeans.py", change="batch_size=90"),
    examples("model_selection/plot_nested_cross_validation_iris.py", change="NUM_TRIALS=5"),
    Script(
        "karpathy/makemore", "makemore.py", "--n-layer 1 --n-embd 16 --num-workers 0 --max-steps 11 --batch-size 8",
        "--n-layer 1 --n-embd 16 --num-workers 0 --batch-size 8", "learning_rate=0.002", when="step 50 ", series="optimizer.lr", release=True,
        mask=(TIMES,),
    ),
    Script(
        "karpathy/minGPT", "projects/adder/adder.py", "--trainer.max_iters=11 --trainer.num_workers=0 --data.ndigit=1",
        "--trainer.num_workers=0 --data.ndigit=1", "optimizer.lr=0.0001", when="iter 20:", series="optimizer.lr", release=True, mask=(TIMES,),
        env={"PYTHONPATH": "{repo}"},
        own="import json, sys; sys.argv = ['x']; sys.path.insert(0, 'projects/adder'); from adder import get_config\n"
        "def flat(d, p=''): return [n for k, v in d.items() for n in (flat(v, p + k + '.') if isinstance(v, dict) else [p + k])]\n"
        "print(json.dumps(flat(get_config().to_dict())))",
    ),
    Script(
        "vwxyzjn/cleanrl", "cleanrl/ppo.py", "--total-timesteps 1024", "--total-timesteps 5000000", "ent_coef=0.05", when="SPS",
        keep="cleanrl", mask=(r"SPS: \d+",),
    ),
    Script(
        "microsoft/LightGBM", "examples/python-guide/advanced_example.py", change="lightgbm.learning_rate=0.01", when="Starting training",
        series="", keep="examples", note="its own data; ends in seconds",
    ),
    Script(
        "keras-team/keras", "examples/demo_subclass.py", change="keras.learning_rate=0.0005", when="Epoch 2/", series="",
        keep="examples", env={"KERAS_BACKEND": "torch"}, mask=(NUMBERS,), drop=r"ms/step|us/step|s/step|^\s*$", note="draws its data without a seed",
    ),
]
