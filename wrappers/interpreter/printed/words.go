package printed

import (
	"slices"
	"strings"
)

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

var (
	// counters name where the script is.
	counters = setOf(`epoch ep step steps global_step iter iters iteration it batch batch_idx minibatch round episode update
		updates num_updates timestep timesteps total_timesteps generation trial fold`)
	// coarse are the counters with others inside.
	coarse = setOf(`epoch ep fold trial`)

	// measured are the parts of names that tell of training.
	measured = setOf(`loss losses acc accuracy err error mae mse rmse mape nll ppl perplexity bpc bpb f1 auc auroc auprc ap map iou
		miou dice precision recall bleu rouge meteor wer cer psnr ssim fid lpips reward rewards return returns score cost
		objective elbo kl entropy logloss mlogloss l1 l2 rmsle r2 top1 top5 acc1 acc5 lr learning_rate grad_norm gradnorm
		gnorm norm likelihood regret residual divergence ndcg mrr mcc kappa sensitivity specificity correlation energy
		throughput mfu binary_logloss multi_logloss variance inertia`)
	// learning makes "learning rate" one of them.
	learning = "learning_rate"

	// ratios are names whose 9911/10000 is a share.
	ratios = setOf(`acc accuracy precision recall correct score err error top1 top5 success f1`)

	// scopes tell of which data something is measured.
	scopes = setOf(`train training tr val valid validation test testing eval evaluation dev learn`)
	// blurs say no more than the name behind them.
	blurs = setOf(`avg average mean current cur running smoothed`)

	// breaks end a name to the left.
	breaks = setOf(`the a an of on for at in after is was with and to by from or set info debug warning warn error critical trace
		than has got`)

	// links stand between a name and its number in a sentence.
	links = setOf(`of is was are at by to reached reaches`)

	// settled are the parts of names that settings have, though they tell of
	// training: lr, max_grad_norm, kl_coef.
	settled = setOf(`lr learning_rate max min maximum minimum clip clipping decay warmup init initial base start final target goal threshold
		tol tolerance eps epsilon alpha beta gamma coef coeff coefficient weight weights penalty factor scale l1 l2 limit patience margin smoothing
		temperature dropout prob probability`)
	// limits before a counter make a setting of it: max_iters, warmup_steps.
	limits = setOf(`max min n warmup decay lr eval log save print every per target start initial maximum minimum checkpoint test val valid`)

	// nobodys are names of numbers that tell nothing of training.
	nobodys = setOf(`line port pid rank local_rank world_size v_num seed gpu cuda node device version worker thread tid code
		status exit date year day http https total file files`)

	// chosen are names of settings, which lines of a log seldom have two of.
	chosen = setOf(`seed device dataset data_dir data output_dir out_dir work_dir log_dir save_dir input_file config model_name resume
		batch_size num_workers num_epochs epochs max_epochs max_steps max_iters num_steps optimizer weight_decay momentum dropout
		hidden_size hidden_dim num_layers n_layer n_head n_embd`)

	units = setOf(`s sec secs second seconds ms msec us µs ns m min mins minute minutes h hr hrs hour hours x k K M G B kB KB MB GB TB
		KiB MiB GiB it iter iters steps samples tokens images imgs fps Hz W J %`)
)

func isUnit(text string) bool {
	if units[text] {
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
	if measured[name] || strings.HasSuffix(name, learning) || strings.HasSuffix(name, "grad_norm") {
		return true
	}
	for _, piece := range pieces(name) {
		if measured[piece] || measured[strings.TrimRight(piece, "0123456789")] {
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
	return slices.ContainsFunc(pieces(name), func(piece string) bool { return settled[piece] })
}

func isRatio(name string) bool {
	for _, piece := range pieces(name) {
		if ratios[piece] {
			return true
		}
	}
	return false
}

// counter returns the plain name of a counter: epoch for Epoch(train).
func counter(name string) (string, bool) {
	name, _, _ = strings.Cut(strings.ToLower(name), "(")
	return name, counters[name]
}
