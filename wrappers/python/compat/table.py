"""The scripts that `make compat` runs, all of other people's repositories, and what is done to each."""

import dataclasses
import typing

import data

TIMES = r"\d+(\.\d+)? ?(ms|s)\b"  # what clocks say differs from run to run
CLOCK = r"\d{4}-\d\d-\d\d[ T_]\d\d[:-]\d\d[:-]\d\d([.,]\d+)?|\d\d:\d\d(:\d\d)?"  # dates and times
TORCHS = r"^W\d{4} \S+ \d+ "  # the number of the process in warnings of torch
LIGHTNINGS = r"\d+/\d+ .*(it/s|\?it/s)|^\s*$|^ {20}|[━─█▏▎▍▌▋▊▉]"  # its bars, and what rich lays beside them
BARS = r"\d+%\||^\s*$"  # tqdm's, and what wipes them out
RATES = r"Time: [\d.]+ \([\d.]+\)| *[\d.]+/s|Data: [\d.]+ \([\d.]+\)|[\d.?]+ ?(it|s|img|images)/(it|s)|\([\d.]+/s\)|[<,]? *[\d.?]+(it/s|s/it)"  # how fast something went
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
    shows: typing.Any = None  # what of its values since then does; "still": that it stays; None: that it is another
    output: str = ""  # or: what lines show after it
    differs: bool = False  # or: that some line is not what plain Python prints (live is None)
    stop: str = ""  # it is stopped then, and these lines show what it did about it
    given: str = ""  # what the changed run is started with, as in a configuration
    watched: tuple = ()  # variables that its configuration names
    make: str = ""  # Python that makes data with the script's own libraries
    release: bool = False  # the parameter is given back after that
    data: tuple = ()  # what makes the data that cannot be had
    keep: str = ""  # the part of the repository that is copied; "" is the whole
    env: dict = dataclasses.field(default_factory=dict)
    mask: tuple = ()  # differs between any two runs: patterns that are left out when output is compared
    drop: str = ""  # likewise, lines that come or not
    own: str = ""  # Python that prints, as JSON, the names that a script without a parser takes
    mixed: bool = False  # several processes print: the order of their lines differs from run to run
    note: str = ""


def ends_at(most):
    """Whether a loop that begins after the change goes no further than that."""

    def shows(values):
        begun = [i for i in range(1, len(values)) if values[i] < values[i - 1]]
        return len(begun) > 1 and max(values[begun[0] :]) <= most

    return shows


def examples(path, **more):
    return Script("scikit-learn/scikit-learn", "examples/" + path, keep="examples/" + path.split("/")[0], env={"MPLBACKEND": "Agg"}, **more)


SCRIPTS = [
    Script(
        "pytorch/examples", "mnist/main.py", "--epochs 1 --log-interval 1", "--epochs 1000 --log-interval 1", "lr=0.25",
        when=r"Epoch: 2 ", series="optimizer.lr", shows=lambda v: v[-1] == 0.25, release=True, data=(data.mnist,), keep="mnist", note="generated MNIST files",
    ),
    Script(
        "pytorch/examples", "vae/main.py", "--epochs 1 --log-interval 1", "--epochs 5000", "log_interval=1",
        when=r"Epoch: 3 ", output=r"\[128/256", data=(data.mnist, data.results), keep="vae", note="generated MNIST files",
    ),
    Script(
        "pytorch/examples", "word_language_model/main.py", "--epochs 1 --emsize 16 --nhid 16 --log-interval 5 --use-optimizer --lr 0.01",
        "--epochs 1000 --emsize 16 --nhid 16 --log-interval 5 --use-optimizer --lr 0.01", "optimizer.lr=0.002",
        when=r"end of epoch +1", series="optimizer.lr", release=True, data=(data.wikitext,), keep="word_language_model",
        stop="Exiting from training early|End of training", mask=(TIMES, r"ms/batch +[\d.]+"), note="generated wikitext-2 files",
    ),
    Script(
        "pytorch/examples", "time_sequence_prediction/train.py", "--steps 1", "--steps 50", "optimizer.lr=0.1", when="STEP:  2", series="optimizer.lr",
        env={"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}, keep="time_sequence_prediction", note="12 waves of 60 values by the repository's generate_sine_wave.py",
        make="text = open('generate_sine_wave.py').read().replace('L = 1000', 'L = 60').replace('N = 100', 'N = 12'); exec(text)",
    ),
    Script(
        "pytorch/examples", "regression/main.py", change="POLY_DEGREE=3", output="shapes cannot be multiplied", keep="regression", mask=(NUMBERS,),
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
        "dmlc/xgboost", "demo/guide-python/evals_result.py", change="xgboost.learning_rate=1e-9", given="num_round = 100000", when=r"\[20\]",
        series="train-logloss", shows="still", keep="demo", mask=(r"\[\d\d:\d\d:\d\d\]",), note="its own data; ends in a second or less",
    ),
    Script(
        "dmlc/xgboost", "demo/guide-python/custom_rmsle.py", "--plot 0", None, "xgboost.learning_rate=0.05", when=r"\[1\]",
        differs=True, keep="demo", mask=(r"in: [\d.]+",), env={"MPLBACKEND": "Agg"}, note="ends in seconds",
    ),
    examples("ensemble/plot_ensemble_oob.py", change="max_estimators=50", watched=("i", "label"), series="i", shows=ends_at(50)),
    examples("neural_networks/plot_mlp_training_curves.py", change='labels=["a","b","c","d","e","f","g"]', when="learning on dataset digits",
             output="training: a$"),
    examples("ensemble/plot_bias_variance.py", change="n_repeat=10", when="^Tree:", differs=True),
    examples("ensemble/plot_gradient_boosting_oob.py", change="n_samples=500"),
    examples("cluster/plot_adjusted_for_chance_measures.py", change="n_classes=4", watched=("fixed_classes_uniform_labelings_scores.n_classes",),
             series="fixed_classes_uniform_labelings_scores.n_classes", shows=lambda v: v[-1] == 4, note="needs seaborn"),
    examples("cluster/plot_kmeans_stability_low_dim_dense.py", change="n_runs=2", when="Evaluation", watched=("run_id",), series="run_id", shows=ends_at(1),
             mask=(TIMES,)),
    examples("ensemble/plot_adaboost_twoclass.py", change="plot_step=0.05"),
    examples("mixture/plot_gmm_init.py", change='colors=["red","green","blue","black"]', watched=("color",), series="color",
             shows=lambda v: v[-1] in ("red", "green", "blue", "black")),
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
        "vwxyzjn/cleanrl", "cleanrl/ppo.py", "--total-timesteps 1024", "--total-timesteps 5000000", "learning_rate=0.01", when="SPS", series="charts/learning_rate",
        shows=lambda v: v[-1] > 0.005, keep="cleanrl", mask=(r"SPS: \d+",),
    ),
    Script(
        "microsoft/LightGBM", "examples/python-guide/advanced_example.py", change="lightgbm.learning_rate=0.01", when="Starting training",
        differs=True, data=(data.forty_times,), keep="examples", note="its own data 40 times; ends in seconds",
    ),
    Script(
        "keras-team/keras", "examples/demo_subclass.py", change="keras.learning_rate=0", given="epochs = 60", when="Epoch 3/", series="val_loss", shows="still",
        keep="examples", env={"KERAS_BACKEND": "torch"}, mask=(NUMBERS,), drop=r"ms/step|us/step|s/step|^\s*$", note="draws its data without a seed",
    ),
    Script(
        "ashleve/lightning-hydra-template", "src/train.py",
        "trainer=cpu trainer.max_epochs=1 data.train_val_test_split=[256,64,64] data.batch_size=32 logger=csv extras.print_config=False seed=1",
        "trainer=cpu trainer.max_epochs=100000 data.train_val_test_split=[256,64,64] data.batch_size=32 logger=csv extras.print_config=False seed=1 callbacks.early_stopping.patience=100000",
        "optimizer.lr=0.02", series="optimizer.lr", shows=lambda v: v[-1] == 0.02, release=True, data=(data.mnist,), env={"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}, mask=(CLOCK, TIMES, RATES, TORCHS), drop=LIGHTNINGS,
        note="generated MNIST files",
    ),
    Script(
        "huggingface/pytorch-image-models", "train.py", "--data-dir {repo}/pictures --model test_vit --num-classes 3 --epochs 1 -b 8 -j 2 --device cpu --log-interval 1 --opt sgd --lr 0.05",
        "--data-dir {repo}/pictures --model test_vit --num-classes 3 --epochs 10000 -b 8 -j 2 --device cpu --log-interval 1 --opt sgd --lr 0.05", "log_interval=2",
        when=r"Train: 1 ", output=r"Train: \d+ \[ +4/6", data=(data.image_folders,), mask=(CLOCK, TIMES, RATES, TORCHS), note="generated pictures",
    ),
    Script(
        "lucidrains/x-transformers", "train_path_star.py", "--epochs=1 --num_train=64 --num_val=8 --dim=32 --depth=1 --heads=2",
        "--epochs=10000 --num_train=64 --num_val=8 --dim=32 --depth=1 --heads=2", "optimizer.lr=0.002", when="Epoch 2 ", series="optimizer.lr", release=True,
        env={"WANDB_MODE": "disabled"}, drop=BARS,
    ),
    Script(
        "DLR-RM/rl-baselines3-zoo", "train.py", "--algo ppo --env CartPole-v1 -n 512 --device cpu --seed 1 -f logs --n-eval-envs 1 --eval-freq -1",
        "--algo ppo --env CartPole-v1 -n 100000000 --device cpu --seed 1 -f logs --eval-freq -1", "optimizer.lr=0.0002", when="total_timesteps", series="optimizer.lr",
        release=True, mask=(CLOCK, TIMES, r"fps +\| \d+", r"time_elapsed +\| \d+"),
    ),
    Script(
        "google-deepmind/open_spiel", "open_spiel/python/examples/tic_tac_toe_qlearner.py", "--num_episodes=300 --nointeractive_play",
        "--num_episodes=100000000 --nointeractive_play", "num_episodes=5", when="Starting episode 1000", keep="open_spiel/python/examples", mask=(CLOCK, NUMBERS),
    ),
    Script(
        "pytorch/ignite", "examples/mnist/mnist.py", "--epochs 1 --batch_size 32 --val_batch_size 32 --log_interval 1",
        "--epochs 100000 --batch_size 32 --val_batch_size 32 --log_interval 1", "lr=0.2", when="Epoch: 2", series="optimizer.lr", release=True,
        data=(data.mnist_in("examples/mnist"),), keep="examples/mnist", mask=(NUMBERS,), drop=BARS, note="generated MNIST files",
    ),
    Script(
        "Lightning-AI/pytorch-lightning", "examples/pytorch/basics/autoencoder.py",
        "--trainer.max_epochs=1 --trainer.limit_train_batches=4 --trainer.limit_val_batches=2 --trainer.limit_test_batches=2 --trainer.limit_predict_batches=2 --trainer.accelerator=cpu",
        "--trainer.max_epochs=100000 --trainer.limit_train_batches=40 --trainer.limit_val_batches=2 --trainer.accelerator=cpu", "model.learning_rate=0.002", when="Epoch 1",
        series="optimizer.lr", data=(data.mnist_in("examples/Datasets", train=60000, test=1000), data.mnist_in("examples/pytorch/basics/data")),
        keep="examples/pytorch", mask=(CLOCK, TIMES, RATES, TORCHS), drop=LIGHTNINGS, note="generated MNIST files",
    ),
    Script(
        "eriklindernoren/PyTorch-GAN", "implementations/gan/gan.py", "--n_epochs 1 --batch_size 32", "--n_epochs 100000 --batch_size 32", "lr=0.001", when="Epoch 1/",
        series="optimizer.lr", release=True, data=(data.mnist_in("data/mnist"),), keep="implementations/gan", mask=(NUMBERS,), note="generated MNIST files",
    ),
    Script(
        "karpathy/ng-video-lecture", "bigram.py", change="eval_interval=50", when="step 300", output=r"^step (3|6|9|12|15|18|21|24|27)50", 
    ),
    Script(
        "graykode/nlp-tutorial", "4-2.Seq2Seq(Attention)/Seq2Seq(Attention).py", change="optimizer.lr=0.0001", when="Epoch: 0400", series="optimizer.lr",
        keep="4-2.Seq2Seq(Attention)", env={"MPLBACKEND": "Agg"}, mask=(NUMBERS,), note="draws its weights without a seed",
    ),
    Script(
        "seungeunrho/minimalRL", "a3c.py", change="learning_rate=0.01", mixed=True, mask=(NUMBERS,), data=(data.old_gym,), env={"PYTHONPATH": "{repo}/old"},
        note="several processes; gym of before 0.26, made of gymnasium",
    ),
    Script(
        "ultralytics/yolov5", "train.py", "--img 64 --batch-size 4 --epochs 1 --data {repo}/boxes/boxes.yaml --weights= --cfg models/yolov5n.yaml --device cpu --workers 2 --noplots",
        "--img 64 --batch-size 4 --epochs 10000 --data {repo}/boxes/boxes.yaml --weights= --cfg models/yolov5n.yaml --device cpu --workers 2 --noplots", "optimizer.lr=0.001",
        when="1/9999", series="optimizer.lr", data=(data.boxes,), env={"YOLOV5_CONFIG_DIR": "{repo}/settings"}, mask=(CLOCK, TIMES, RATES, NUMBERS), drop=r"\x1b\[K|[━─]", note="generated pictures",
    ),
]
