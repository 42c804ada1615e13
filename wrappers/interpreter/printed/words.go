package printed

import (
	"slices"
	"strings"
)

// words is a set, in the order of its words: it is part of the program, where a
// map would be made by every process of it.
type words []string

func (w words) has(text string) bool {
	_, found := slices.BinarySearch(w, text)
	return found
}

var (
	// counters name where the script is.
	counters = words{
		"batch", "batch_idx", "ep", "episode", "epoch", "fold", "generation", "global_step", "it", "iter", "iteration", "iters",
		"minibatch", "num_updates", "round", "step", "steps", "timestep", "timesteps", "total_timesteps", "trial", "update",
		"updates",
	}
	// coarse are the counters with others inside.
	coarse = words{"ep", "epoch", "fold", "trial"}

	// measured are the parts of names that tell of training.
	measured = words{
		"acc", "acc1", "acc5", "accuracy", "ap", "auc", "auprc", "auroc", "binary_logloss", "bleu", "bpb", "bpc", "cer",
		"correlation", "cost", "dice", "divergence", "elbo", "energy", "entropy", "err", "error", "f1", "fid", "gnorm",
		"grad_norm", "gradnorm", "inertia", "iou", "kappa", "kl", "l1", "l2", "learning_rate", "likelihood", "logloss", "loss",
		"losses", "lpips", "lr", "mae", "map", "mape", "mcc", "meteor", "mfu", "miou", "mlogloss", "mrr", "mse", "multi_logloss",
		"ndcg", "nll", "norm", "objective", "perplexity", "ppl", "precision", "psnr", "r2", "recall", "regret", "residual",
		"return", "returns", "reward", "rewards", "rmse", "rmsle", "rouge", "score", "sensitivity", "specificity", "ssim",
		"throughput", "top1", "top5", "variance", "wer",
	}
	// learning makes "learning rate" one of them.
	learning = "learning_rate"

	// ratios are names whose 9911/10000 is a share.
	ratios = words{
		"acc", "accuracy", "correct", "err", "error", "f1", "precision", "recall", "score", "success", "top1", "top5",
	}

	// scopes tell of which data something is measured.
	scopes = words{
		"dev", "eval", "evaluation", "learn", "test", "testing", "tr", "train", "training", "val", "valid", "validation",
	}
	// blurs say no more than the name behind them.
	blurs = words{"average", "avg", "cur", "current", "mean", "running", "smoothed"}

	// breaks end a name to the left.
	breaks = words{
		"a", "after", "an", "and", "at", "by", "critical", "debug", "error", "for", "from", "got", "has", "in", "info", "is",
		"of", "on", "or", "set", "than", "the", "to", "trace", "warn", "warning", "was", "with",
	}

	// links stand between a name and its number in a sentence.
	links = words{"are", "at", "by", "is", "of", "reached", "reaches", "to", "was"}

	// settled are the parts of names that settings have, though they tell of
	// training: lr, max_grad_norm, kl_coef.
	settled = words{
		"alpha", "base", "beta", "clip", "clipping", "coef", "coeff", "coefficient", "decay", "dropout", "eps", "epsilon",
		"factor", "final", "gamma", "goal", "init", "initial", "l1", "l2", "learning_rate", "limit", "lr", "margin", "max",
		"maximum", "min", "minimum", "patience", "penalty", "prob", "probability", "scale", "smoothing", "start", "target",
		"temperature", "threshold", "tol", "tolerance", "warmup", "weight", "weights",
	}
	// limits before a counter make a setting of it: max_iters, warmup_steps.
	limits = words{
		"checkpoint", "decay", "eval", "every", "initial", "log", "lr", "max", "maximum", "min", "minimum", "n", "per", "print",
		"save", "start", "target", "test", "val", "valid", "warmup",
	}

	// nobodys are names of numbers that tell nothing of training.
	nobodys = words{
		"code", "cuda", "date", "day", "device", "exit", "file", "files", "gpu", "http", "https", "line", "local_rank", "node",
		"pid", "port", "rank", "seed", "status", "thread", "tid", "total", "v_num", "version", "worker", "world_size", "year",
	}

	// chosen are names of settings, which lines of a log seldom have two of.
	chosen = words{
		"batch_size", "config", "data", "data_dir", "dataset", "device", "dropout", "epochs", "hidden_dim", "hidden_size",
		"input_file", "log_dir", "max_epochs", "max_iters", "max_steps", "model_name", "momentum", "n_embd", "n_head", "n_layer",
		"num_epochs", "num_layers", "num_steps", "num_workers", "optimizer", "out_dir", "output_dir", "resume", "save_dir",
		"seed", "weight_decay", "work_dir",
	}

	units = words{
		"%", "B", "G", "GB", "GiB", "Hz", "J", "K", "KB", "KiB", "M", "MB", "MiB", "TB", "W", "fps", "h", "hour", "hours", "hr",
		"hrs", "images", "imgs", "it", "iter", "iters", "k", "kB", "m", "min", "mins", "minute", "minutes", "ms", "msec", "ns",
		"s", "samples", "sec", "second", "seconds", "secs", "steps", "tokens", "us", "x", "µs",
	}
)

func isUnit(text string) bool {
	if units.has(text) {
		return true
	}
	of, per, ok := strings.Cut(text, "/")
	return ok && per != "" && len(text) <= 24 && !strings.Contains(per, "/") && (of == "" || wordLength(of) == len(of)) && wordLength(per) == len(per)
}

// pieces cuts a name into its words, in lower case.
func pieces(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune("_/-.@()' ", r) })
}

// isMeasured reports whether a name tells of training.
func isMeasured(name string) bool {
	name = strings.ToLower(name)
	if measured.has(name) || strings.HasSuffix(name, learning) || strings.HasSuffix(name, "grad_norm") {
		return true
	}
	for _, piece := range pieces(name) {
		if measured.has(piece) || measured.has(strings.TrimRight(piece, "0123456789")) {
			return true
		}
	}
	return strings.HasSuffix(name, "loss")
}

// isSetting reports whether a name that tells of training may be a setting's.
func isSetting(name string) bool {
	if strings.HasSuffix(strings.ToLower(name), learning) {
		return true
	}
	return slices.ContainsFunc(pieces(name), settled.has)
}

func isRatio(name string) bool {
	return slices.ContainsFunc(pieces(name), ratios.has)
}

// counter returns the plain name of a counter: epoch for Epoch(train).
func counter(name string) (string, bool) {
	name, _, _ = strings.Cut(strings.ToLower(name), "(")
	return name, counters.has(name)
}
