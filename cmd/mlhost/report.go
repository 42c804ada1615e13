package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/mlhost/mlhost/host"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/host/doctor"
	"github.com/mlhost/mlhost/shared/script"
)

// logTail is how much of a log goes into a report.
const logTail = 256 << 10

// reportFile is one file of a report.
type reportFile struct {
	name string
	data []byte
}

// writeReport writes the bundle. Every file of it goes through redact.
func (a *app) writeReport(ctx context.Context, path string, hosts []doctor.Host, cfg *config.Config, checks []v1.Check) error {
	files := []reportFile{jsonFile("checks.json", v1.Checks{Checks: checks}), jsonFile("version.json", a.versions())}
	if cfg != nil {
		files = append(files, configFiles(cfg)...)
	}
	for _, h := range hosts {
		files = append(files, hostFiles(ctx, h)...)
	}
	secrets := append(secretValues(os.Environ()), tokens(hosts)...)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	t := tar.NewWriter(z)
	for _, f := range files {
		data := redact(f.data, secrets)
		header := &tar.Header{Name: "mlhost-report/" + f.name, Mode: 0o600, Size: int64(len(data)), ModTime: time.Now()}
		if err := t.WriteHeader(header); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
		if _, err := t.Write(data); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	if err := errors.Join(t.Close(), z.Close()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		return script.Errorf(script.CodeIO, "the report cannot be written: %v", err)
	}
	return nil
}

func jsonFile(name string, v any) reportFile {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		data = []byte(err.Error())
	}
	return reportFile{name, append(data, '\n')}
}

func (a *app) versions() map[string]any {
	version, commit := buildVersion()
	return map[string]any{"version": version, "commit": commit, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH, "cpus": runtime.NumCPU(), "time": time.Now().UTC()}
}

// configFiles are the sources of a configuration.
func configFiles(cfg *config.Config) []reportFile {
	var out []reportFile
	for name, f := range cfg.Files {
		out = append(out, reportFile{"config/" + filepath.Base(name), f.Bytes})
	}
	slices.SortFunc(out, func(a, b reportFile) int { return strings.Compare(a.name, b.name) })
	return out
}

// hostFiles are what a host shows of itself, and the end of its log.
func hostFiles(ctx context.Context, h doctor.Host) []reportFile {
	var out []reportFile
	dir := "host-" + h.Name + "/"
	if data, err := tail(filepath.Join(h.Dir, "host.log")); err == nil {
		out = append(out, reportFile{dir + "host.log", data})
	} else if !errors.Is(err, fs.ErrNotExist) {
		out = append(out, reportFile{dir + "host.log", []byte(err.Error())})
	}
	if h.PID == 0 {
		return out
	}
	c := client.New(host.SocketPath(h.Dir))
	defer c.Close()
	if about, err := c.Host(ctx); err == nil {
		out = append(out, jsonFile(dir+"host.json", about))
		sources, err := filepath.Glob(filepath.Join(about.Directory, "*.hcl"))
		if err == nil {
			for _, path := range sources {
				if data, err := os.ReadFile(path); err == nil {
					out = append(out, reportFile{dir + "config/" + filepath.Base(path), data})
				}
			}
		}
	}
	if ps, err := c.Scripts(ctx); err == nil {
		out = append(out, jsonFile(dir+"ps.json", ps))
	}
	return out
}

func tail(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-logTail), logTail))
}

// secretName is what the name of something has that is not to be shown.
var secretName = pattern(`(?i)(secret|token|passw|api_?key|access_?key|private_?key|credential|auth|cookie)`)

// assigned finds NAME = "value", NAME: value and "NAME": "value".
var assigned = pattern(`(?i)("?[\w.-]*(?:secret|token|passw|api_?key|access_?key|private_?key|credential|authorization|cookie)[\w.-]*"?\s*[=:]\s*)("(?:[^"\\\n]|\\.)*"|[^\s,}"]+)`)

// inURL finds the user and password of an address, afterURL what follows its "?".
var (
	inURL    = pattern(`(\w+://)[^\s/@"]+@`)
	afterURL = pattern(`(https?://[^\s"?]+\?)[^\s"]+`)
)

// webhook finds url = "https://machine/path": the path may be a secret.
var webhook = pattern(`(?i)(\burl"?\s*[=:]\s*"https?://)([^/"?]*)[/?][^"]*`)

// secretValues are the values in the environment whose names say that they are
// secret.
func secretValues(environ []string) []string {
	var out []string
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		if secretName().MatchString(name) && len(value) >= 6 {
			out = append(out, value)
		}
	}
	return out
}

// tokens are those of hosts, in whatever they may have come to stand.
func tokens(hosts []doctor.Host) []string {
	var out []string
	for _, h := range hosts {
		for _, name := range []string{"token", "connector.token"} {
			// One that cannot be read is not there, or another user's.
			if data, err := os.ReadFile(filepath.Join(h.Dir, name)); err == nil && len(bytes.TrimSpace(data)) >= 6 {
				out = append(out, string(bytes.TrimSpace(data)))
			}
		}
	}
	return out
}

const hidden = "(hidden)"

// redact takes out what is known to be secret, what is called so, and what
// addresses carry.
func redact(data []byte, secrets []string) []byte {
	text := string(data)
	for _, s := range secrets {
		text = strings.ReplaceAll(text, s, hidden)
	}
	text = assigned().ReplaceAllString(text, `${1}"`+hidden+`"`)
	text = webhook().ReplaceAllString(text, "${1}${2}/"+hidden)
	text = inURL().ReplaceAllString(text, "${1}"+hidden+"@")
	text = afterURL().ReplaceAllString(text, "${1}"+hidden)
	return []byte(text)
}
