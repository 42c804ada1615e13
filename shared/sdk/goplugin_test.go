package sdk_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"

	"github.com/mlhost/mlhost/internal/testkit"
	"github.com/mlhost/mlhost/shared/wire"
	shim "github.com/mlhost/mlhost/shared/wire/goplugin"
)

// A host that has go-plugin's own client starts a plugin, talks to it and ends
// it, though that does without the library.
func TestGoPluginsOwnClient(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "MLHOST_TEST_PLUGIN=trainer")
	client := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig: shim.Handshake, Plugins: shim.ClientPlugins(), Cmd: cmd, SkipHostEnv: true,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
	})
	defer client.Kill()
	conn, err := client.Client()
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Ping(); err != nil {
		t.Errorf("ping: %v", err)
	}
	raw, err := conn.Dispense(wire.PluginName)
	if err != nil {
		t.Fatal(err)
	}
	d, err := raw.(*wire.Client).Describe(t.Context())
	if err != nil || len(d.Parameters) == 0 {
		t.Errorf("it describes itself as %+v, %v", d, err)
	}
	begun := time.Now()
	client.Kill()
	if took := time.Since(begun); !client.Exited() {
		t.Errorf("it runs on after %s", took)
	}
}

// What a plugin says of itself through the pipe is what it answers when it is
// asked, and the log of its output holds nothing of that.
func TestHello(t *testing.T) {
	said, hello, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "MLHOST_TEST_PLUGIN=trainer", wire.SocketDirEnv+"="+testkit.ShortDir(t), wire.HelloEnv+"=3",
		wire.Handshake.MagicCookieKey+"="+wire.Handshake.MagicCookieValue)
	cmd.ExtraFiles = []*os.File{hello}
	var out strings.Builder
	cmd.Stdout = &out
	if err := errors.Join(cmd.Start(), hello.Close()); err != nil {
		t.Fatal(err)
	}
	p := &plugin{t: t, cmd: cmd, runDir: t.TempDir()}
	text, err := io.ReadAll(said) // to its end: the plugin closes it
	if err = errors.Join(err, said.Close()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // it was killed
		if out.Len() > 0 {
			t.Errorf("it printed %q", out.String())
		}
	}()
	line, rest, _ := strings.Cut(string(text), "\n")
	var h wire.Hello
	if err := json.Unmarshal([]byte(rest), &h); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	p.address = strings.Split(line, "|")[3]
	client, leave := p.connect()
	defer leave()
	id, err := client.Identify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := h.Identity(id.SHA256)
	if got.Nonce != id.Nonce || got.PID != id.PID || !got.Started.Equal(id.Started) || got.API != id.API ||
		strings.Join(got.Capabilities, " ") != strings.Join(id.Capabilities, " ") {
		t.Errorf("it says %+v, and answers %+v", got, id)
	}
	if len(h.Description) == 0 {
		t.Error("it has no digest of its description")
	}
}
