package printed

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// say writes down what was found: "loss=0.5% lr=0.1 @12 3/10".
func say(f Found) string {
	var parts []string
	for _, s := range append(f.Earlier, f.Samples...) {
		v, _ := s.Value.Float()
		parts = append(parts, fmt.Sprintf("%s=%g%s", s.Name, v, f.Units[s.Name]))
	}
	if f.Step >= 0 {
		parts = append(parts, fmt.Sprintf("@%d", f.Step))
	}
	if p := f.Progress; p != nil {
		parts = append(parts, fmt.Sprintf("%.4g/%g", p.Done, p.Total))
	}
	return strings.Join(parts, " ")
}

// Lines as real programs print them, and what they say.
var lines = []struct{ name, line, want string }{
	{"plain", "loss: 0.12", "loss=0.12"},
	{"environment", "Set the environment variable HYDRA_FULL_ERROR=1 for a complete stack trace.", ""},
	{"capitals", "VAL_LOSS=0.5", "val_loss=0.5"},
	{"equals", "loss = 0.12", "loss=0.12"},
	{"tight", "loss=0.12,acc=0.5", "loss=0.12 acc=0.5"},
	{"space", "val loss 1.5e-3", "val_loss=0.0015"},
	{"capital", "Val. Loss: 0.31 | Train Acc: 95.3%", "val_loss=0.31 train_acc=95.3%"},
	{"nan", "loss: nan", "loss=NaN"},
	{"infinity", "step 5, loss -inf", "step=5 loss=-Inf @5"},
	{"thousands", "total reward: 1,234.5", "total_reward=1234.5"},
	{"colors", "\x1b[32mloss\x1b[0m: \x1b[1m0.5\x1b[0m", "loss=0.5"},
	{"epoch", "Epoch 3/10", "epoch=3 @3 2/10"},
	{"epoch of", "Epoch 3 of 10", "epoch=3 @3 2/10"},
	{"epoch in brackets", "Epoch [1/5], Step [100/600], Loss: 0.5713", "epoch=1 step=100 loss=0.5713 @100 0.1667/5"},
	{"step", "step 100/1000", "step=100 @100 100/1000"},
	{"step and loss", "step 100 loss 2.25 lr 1e-4", "step=100 loss=2.25 lr=0.0001 @100"},
	{"pytorch mnist", "Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.134567", "epoch=1 loss=2.134567 @640"},
	{"pytorch mnist test", "Test set: Average loss: 0.0265, Accuracy: 9911/10000 (99%)", "test_loss=0.0265 test_accuracy=0.9911"},
	{"pytorch tutorial", "[1,  2000] loss: 2.187", "epoch=1 loss=2.187 @2000"},
	{"pytorch sentence", "Accuracy of the network on the 10000 test images: 54 %", "test_accuracy=54%"},
	{"pytorch imagenet", "Epoch: [0][  10/5005]\tTime  0.513 ( 1.225)\tData  0.000 ( 0.512)\tLoss 6.9713e+00 (6.9782e+00)\tAcc@1   0.39 (  0.20)\tAcc@5   1.56 (  1.10)",
		"epoch=0 time=0.513 data=0 loss=6.9713 acc@1=0.39 acc@5=1.56 @10"},
	{"pytorch dcgan", "[0/25][10/1583] Loss_D: 0.6501 Loss_G: 5.12 D(x): 0.8 D(G(z)): 0.27 / 0.006", "epoch=0 loss_d=0.6501 loss_g=5.12 d(x)=0.8 d(g(z))=0.27 @10 0.006317/25"},
	{"gan", "[Epoch 0/200] [Batch 1/938] [D loss: 0.69] [G loss: 0.70]", "epoch=0 d_loss=0.69 g_loss=0.7 @1 0.001066/200"},
	{"word language model", "| epoch   1 |   200/ 2983 batches | lr 20.00 | ms/batch 12.3 | loss  7.62 | ppl  2032.76", "epoch=1 lr=20 ms/batch=12.3 loss=7.62 ppl=2032.76 @200"},
	{"nanoGPT", "iter 10: loss 4.2512, time 123.45ms, mfu 3.10%", "iter=10 loss=4.2512 time=123.45ms mfu=3.1% @10"},
	{"nanoGPT eval", "step 0: train loss 10.9834, val loss 10.9812", "step=0 train_loss=10.9834 val_loss=10.9812 @0"},
	{"llm.c", "step    1/18865 | train loss 11.0 | norm 15.3 | lr 8.57e-07 | (12.3 ms | 42310 tok/s)", "step=1 train_loss=11 norm=15.3 lr=8.57e-07 @1 1/18865"},
	{"keras", "1875/1875 [==============================] - 3s 1ms/step - loss: 0.2960 - accuracy: 0.9144 - val_loss: 0.13", "loss=0.296 accuracy=0.9144 val_loss=0.13 @1875 1875/1875"},
	{"keras 3", "\x1b[1m 938/1875\x1b[0m \x1b[32m━━━━━━━━━━\x1b[0m\x1b[37m━━━━\x1b[0m \x1b[1m3s\x1b[0m 1ms/step - accuracy: 0.93 - loss: 0.2400", "accuracy=0.93 loss=0.24 @938 938/1875"},
	{"keras fit epoch", "Epoch 1/5: loss=0.5", "epoch=1 loss=0.5 @1 0/5"},
	{"hf trainer", "{'loss': 0.5123, 'grad_norm': 1.25, 'learning_rate': 5e-05, 'epoch': 1.5}", "epoch=1.5 loss=0.5123 grad_norm=1.25 learning_rate=5e-05 @1"},
	{"hf trainer 5", "{'loss': '0.5123', 'grad_norm': '1.25', 'learning_rate': '5e-05', 'epoch': '1'}", "epoch=1 loss=0.5123 grad_norm=1.25 learning_rate=5e-05 @1"},
	{"hf end", "{'train_runtime': 12.5, 'train_samples_per_second': 80.0, 'train_loss': 0.25, 'epoch': 3.0}", "epoch=3 train_runtime=12.5 train_samples_per_second=80 train_loss=0.25 @3"},
	{"json", `{"step": 10, "loss": 0.5, "tokens": 2048}`, "step=10 loss=0.5 tokens=2048 @10"},
	{"xgboost", "[10]\ttrain-rmse:0.10000\teval-rmse:0.25", "round=10 train-rmse=0.1 eval-rmse=0.25 @10"},
	{"xgboost cv", "[3]\ttrain-logloss:0.51+0.002\ttest-logloss:0.6+0.01", "round=3 train-logloss=0.51 test-logloss=0.6 @3"},
	{"lightgbm", "[20]\ttraining's binary_logloss: 0.4\tvalid_1's auc: 0.91", "round=20 training_binary_logloss=0.4 valid_1_auc=0.91 @20"},
	{"catboost", "7:\tlearn: 0.6512\ttest: 0.6601\tbest: 0.66 (7)\ttotal: 50ms\tremaining: 1.2s", "round=7 learn=0.6512 test=0.6601 best=0.66 remaining=1.2s @7"},
	{"sklearn mlp", "Iteration 12, loss = 0.34215", "iteration=12 loss=0.34215 @12"},
	{"sklearn gmm", "  Iteration 10\t time lapse 0.01s\t ll change 0.5", "iteration=10 time_lapse=0.01s ll_change=0.5 @10"},
	{"sklearn kmeans", "Iteration 3, inertia 1280.5.", "iteration=3 inertia=1280.5 @3"},
	{"sklearn example", "Mean squared error: 2548.07", "mean_squared_error=2548.07"},
	{"fairseq", "2024-05-01 12:00:00 | INFO | train_inner | epoch 001:    100 / 1000 loss=9.6, nll_loss=8.9, ppl=480.1, wps=31234.2, lr=1.25e-05, gnorm=2.1",
		"epoch=1 loss=9.6 nll_loss=8.9 ppl=480.1 wps=31234.2 lr=1.25e-05 gnorm=2.1 @100"},
	{"detectron2", "[05/01 12:00:00 d2.utils.events]:  eta: 0:12:34  iter: 19  total_loss: 1.209  loss_cls: 0.3  time: 0.5012  lr: 0.0049  max_mem: 2000M",
		"iter=19 total_loss=1.209 loss_cls=0.3 time=0.5012 lr=0.0049 max_mem=2000M @19"},
	{"mmdetection", "2024-05-01 12:00:00,123 - mmdet - INFO - Epoch(train)  [1][50/7330]  lr: 2.0e-03  eta: 12:03:04  time: 0.5  loss: 1.2", "epoch=1 lr=0.002 time=0.5 loss=1.2 @50"},
	{"timm", "Train: 0 [  50/1251 (  4%)]  Loss: 6.94 (6.95)  Time: 0.513s, 1994.22/s  LR: 1.000e-06", "loss=6.94 time=0.513s lr=1e-06 @50 50/1251"},
	{"logger", "2024-05-01 12:00:00,123 INFO trainer.py:55 - epoch=2 val_acc=0.91", "epoch=2 val_acc=0.91 @2"},
	{"logging", "INFO:train:55:loss: 0.5", "loss=0.5"},
	{"stable baselines", "|    ep_rew_mean     | 21.3     |", "ep_rew_mean=21.3"},
	{"rl", "Ep 10 | reward -21.0 | eps 0.5", "ep=10 reward=-21 eps=0.5 @10"},
	{"sentence without a colon", "reached a top score of 0.9", "top_score=0.9"},
	{"sentence with is", "the loss is 0.25 now", "loss=0.25"},
	{"a library's own name", "[0]\tdtrain-PyRMSLE:1.37153\tdtest-PyRMSLE:1.31487", "round=0 dtrain-PyRMSLE=1.37153 dtest-PyRMSLE=1.31487 @0"},
	{"train iterations", "train_iter: 5 loss: 1", "iter=5 loss=1 @5"},
	{"episode", "Episode 10\tLast reward: 12.00\tAverage reward: 10.23", "episode=10 last_reward=12 reward=10.23 @10"},
	{"sentence", "Loss after epoch 3: 0.5", "epoch=3 loss=0.5 @3"},
	{"plus minus", "Accuracy: 0.95 (+/- 0.02)", "accuracy=0.95"},
	{"tqdm", "Epoch 1:  45%|████▌     | 45/100 [00:05<00:06,  9.10it/s, loss=0.5, v_num=0]", "epoch=1 loss=0.5 @45 45/100"},
	{"tqdm postfix", " 10%|█         | 10/100 [00:01<00:09, 10.00it/s, foo=3]", "foo=3 10/100"},
	{"tqdm no total", "12it [00:01, 10.00it/s]", "12/0"},
	{"tqdm counts", "train:   0%| | 1.20k/5.00k [00:01<01:30, 1.3s/it]", "1200/5000"},
	{"tqdm in letters", "50%|#####     | 5/10 [00:01<00:01,  5.00it/s]", "5/10"},

	{"nothing", "Loading 5 files from /data/v1.2.3", ""},
	{"settings", "Namespace(lr=0.1, batch_size=64, epochs=10)", ""},
	{"settings as dict", "{'input_file': 'names.txt', 'resume': False, 'max_steps': 30, 'batch_size': 8, 'learning_rate': 0.0005, 'seed': 1}", ""},
	{"settings with a head", `args: {"lr": 0.1, "epochs": 10, "device": "cpu"}`, ""},
	{"settings behind one another", "\x1b[34m\x1b[1mhyperparameters: \x1b[0mlr0=0.01, lr=0.01, momentum=0.937, weight_decay=0.0005, warmup_epochs=3.0, box=0.05, cls=0.5", ""},
	{"measured among settings", "epoch=1, loss=0.5, lr=0.1, momentum=0.9, weight_decay=0.01, batch_size=8, time=3", "epoch=1 loss=0.5 lr=0.1 momentum=0.9 weight_decay=0.01 batch_size=8 time=3 @1"},
	{"json log", `{"mode": "train", "epoch": 3, "batch_size": 8, "loss": 0.5}`, "epoch=3 batch_size=8 loss=0.5 @3"},
	{"port", "Listening on port: 8080", ""},
	{"date", "2024-05-01 12:00:00 started", ""},
	{"file name", "saved checkpoints/epoch=03-val_loss=0.32.ckpt", ""},
	{"address", "connected to 127.0.0.1:5000", ""},
	{"download", "100%|██████████| 9.91M/9.91M [00:01<00:00, 5.05MB/s]", ""},
	{"sizes", "Found 50000 images in 10 classes", ""},
	{"bare", "0.5", ""},
	{"empty", "", ""},
}

func TestLines(t *testing.T) {
	for _, tt := range lines {
		t.Run(tt.name, func(t *testing.T) {
			var r Reader
			if got := say(r.Read([]byte(tt.line), time.Unix(1, 0))); got != tt.want {
				t.Errorf("%q\n got %s\nwant %s", tt.line, got, tt.want)
			}
		})
	}
}

// Lines one after another: a line without a step has that of the line before.
func TestSequences(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"keras", []string{"Epoch 1/2", " 10/100 [==>...] - ETA: 3s - loss: 0.5", "100/100 [=====] - 1s 5ms/step - loss: 0.4", "Epoch 2/2", "50/100 [==>..] - loss: 0.3"},
			[]string{"epoch=1 @1 0/2", "loss=0.5 @10 0.1/2", "loss=0.4 @100 1/2", "epoch=2 @100 1/2", "loss=0.3 @150 1.5/2"}},
		{"own line", []string{"Epoch 1/2", "loss: 0.5", "Epoch 2/2", "loss: 0.4"}, []string{"epoch=1 @1 0/2", "loss=0.5", "epoch=2 @2 1/2", "loss=0.4"}},
		{"tutorial", []string{"[1,  2000] loss: 2", "[1,  4000] loss: 1.5", "[2,  2000] loss: 1"},
			[]string{"epoch=1 loss=2 @2000", "epoch=1 loss=1.5 @4000", "epoch=2 loss=1 @6000"}},
		{"steps go on", []string{"epoch 1 step 100 loss 2", "epoch 2 step 200 loss 1"}, []string{"epoch=1 step=100 loss=2 @100", "epoch=2 step=200 loss=1 @200"}},
		{"settings line by line", []string{"    learning_rate: 0.0005", "    grad_norm_clip: 1.0", "min_lr = 6e-5", "Overriding: max_iters = 2000", "warmup_iters = 100", "eval_iters: 20", "kl_coef: 0.2",
			"lr_decay_iters = 5000", "max_grad_norm=1.0", "l2: 0.01", "learning_rate: 0.0005", "iter 3: loss 2.5, lr 0.1"},
			[]string{"", "", "", "", "", "", "", "", "", "", "", "iter=3 loss=2.5 lr=0.1 @3"}},
		{"a schedule that is printed", []string{"lr: 0.1", "lr: 0.1", "lr: 0.01", "lr: 0.01", "lr: 0.1"}, []string{"", "", "lr=0.1 lr=0.01", "lr=0.01", "lr=0.1"}},
		{"once is enough for what is measured", []string{"test accuracy: 0.9", "Mean squared error: 12.5"}, []string{"test_accuracy=0.9", "mean_squared_error=12.5"}},
		{"traceback", []string{`  File "train.py", line 3, in <module>`, "    loss = 0", "loss = 1"}, []string{"", "", "loss=1"}},
		{"fastai", []string{"epoch     train_loss  valid_loss  accuracy  time", "0         0.512       0.431       0.85      00:05", "1         0.4         0.3         0.9       00:05"},
			[]string{"", "epoch=0 train_loss=0.512 valid_loss=0.431 accuracy=0.85 @0", "epoch=1 train_loss=0.4 valid_loss=0.3 accuracy=0.9 @1"}},
		{"skorch", []string{"  epoch    train_loss    valid_loss     dur", "-------  ------------  ------------  ------", "      1        0.6879        0.6745  0.0512"},
			[]string{"", "", "epoch=1 train_loss=0.6879 valid_loss=0.6745 dur=0.0512 @1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r Reader
			for i, line := range tt.lines {
				if got := say(r.Read([]byte(line), time.Unix(int64(i), 0))); got != tt.want[i] {
					t.Errorf("%q\n got %s\nwant %s", line, got, tt.want[i])
				}
			}
		})
	}
}

// FuzzRead: whatever a script prints, reading it ends, and says what can be kept.
func FuzzRead(f *testing.F) {
	for _, tt := range lines {
		f.Add(tt.line)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var r Reader
		for line := range strings.SplitSeq(text, "\n") {
			found := r.Read([]byte(line), time.Unix(1, 0))
			for _, s := range found.Samples {
				if s.Name == "" || s.Step < 0 || s.Value.Kind() != script.KindFloat && s.Value.Kind() != script.KindInt {
					t.Fatalf("%q: %+v", line, s)
				}
			}
			if p := found.Progress; p != nil && (p.Done < 0 || p.Total < 0 || p.Done != p.Done || p.ETA < 0) {
				t.Fatalf("%q: %+v", line, p)
			}
		}
		if len(r.names) > MaxNames {
			t.Fatal("too many names")
		}
	})
}

func BenchmarkRead(b *testing.B) {
	for _, line := range []string{"loading the data from the disk", "Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.134567"} {
		b.Run(line[:5], func(b *testing.B) {
			var r Reader
			for b.Loop() {
				r.Read([]byte(line), time.Time{})
			}
		})
	}
}
