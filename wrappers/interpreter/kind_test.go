package interpreter

import "testing"

func TestKindOfFile(t *testing.T) {
	for path, want := range map[string]string{
		"/w/model.pt": "model", "/w/best.pth": "model", "/w/last.pt": "checkpoint", "/w/epoch_3.pth": "checkpoint", "/w/m-step100.safetensors": "checkpoint",
		"/w/x.ckpt": "checkpoint", "/w/checkpoint.pth.tar": "checkpoint", "/w/checkpoint-10/model.safetensors": "checkpoint", "/w/checkpoint-10/state.json": "text",
		"/w/ckpt-3.index": "checkpoint", "/w/steps.csv": "table", "/w/everlasting.pt": "model", "/w/data.bin": "data", "/w/events.out.tfevents.1": "log", "/w/README": "file",
	} {
		if got := kindOfFile(path); got != want {
			t.Errorf("%s is %s, not %s", path, got, want)
		}
	}
}
