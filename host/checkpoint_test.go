package host

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mlhost/mlhost/host/store"
)

// The newest checkpoint is the one that was written last and is whole.
func TestNewestWhole(t *testing.T) {
	const zip = "PK\x05\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	const cut = "PK\x03\x04 and then nothing"
	cases := map[string]struct {
		files []string // name, content; the later the newer
		want  string
	}{
		"none":               {},
		"the newest":         {[]string{"b.ckpt", "x", "a.ckpt", "x"}, "a.ckpt"},
		"cut short":          {[]string{"a.ckpt", zip, "b.ckpt", cut}, "a.ckpt"},
		"empty":              {[]string{"a.ckpt", "x", "b.ckpt", ""}, "a.ckpt"},
		"all are cut short":  {[]string{"a.ckpt", cut}, ""},
		"folders":            {[]string{"checkpoint-5/model.bin", "x", "checkpoint-10/model.bin", "x", "checkpoint-10/rng.pth", "x"}, "checkpoint-10"},
		"a folder cut short": {[]string{"checkpoint-5/model.bin", "x", "checkpoint-10/model.bin", "x", "checkpoint-10/rng.pth", cut}, "checkpoint-5"},
		"not a step":         {[]string{"checkpoints/a.pt", "x"}, "checkpoints/a.pt"},
		"TensorFlow":         {[]string{"tf/ckpt-3.index", "x"}, "tf/ckpt-3"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var all []store.Artifact
			for i := 0; i < len(c.files); i += 2 {
				path := filepath.Join(dir, c.files[i])
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(c.files[i+1]), 0o600); err != nil {
					t.Fatal(err)
				}
				at := time.Unix(int64(1000+i), 0)
				if err := os.Chtimes(path, at, at); err != nil {
					t.Fatal(err)
				}
				all = append(all, store.Artifact{Path: path, Kind: "checkpoint"})
			}
			all = append(all, store.Artifact{Path: filepath.Join(dir, "gone.ckpt"), Kind: "checkpoint"})
			want := ""
			if c.want != "" {
				want = filepath.Join(dir, c.want)
			}
			if got := newestWhole(all, func(store.Artifact) bool { return true }); got != want {
				t.Errorf("%q, not %q", got, want)
			}
		})
	}
}
