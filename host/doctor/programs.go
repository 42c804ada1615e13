package doctor

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"time"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/host/supervisor"
	"github.com/mlhost/mlhost/shared/script"
)

// programs looks for python3, and for every interpreter that the configuration
// needs.
func (o Options) programs(ctx context.Context) []v1.Check {
	wanted := []string{"python3"}
	users := map[string][]string{"python3": nil}
	if o.Config != nil {
		for _, s := range o.Config.Scripts {
			command := s.Launch("").Interpreter
			if s.Plugin != "" || len(command) == 0 {
				continue
			}
			if _, known := users[command[0]]; !known {
				wanted = append(wanted, command[0])
			}
			users[command[0]] = append(users[command[0]], s.Name)
		}
	}
	var out []v1.Check
	for _, program := range wanted {
		if program == "python3" && len(wanted) > 1 && len(users["python3"]) == 0 {
			continue // every script has another one
		}
		out = append(out, interpreter(ctx, program, users[program]))
	}
	return out
}

func interpreter(ctx context.Context, program string, users []string) v1.Check {
	name := "interpreter " + program
	whose := ""
	if len(users) > 0 {
		whose = ", for " + strings.Join(users, ", ")
	}
	path, err := exec.LookPath(program)
	if err != nil {
		const fix = "install it, or name another one by `interpreter` in the script block"
		if len(users) == 0 {
			return warn(name, fix, "it is not in $PATH")
		}
		return fail(name, fix, "it is not there%s", whose)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	said, err := exec.CommandContext(ctx, path, "--version").CombinedOutput()
	version, _, _ := strings.Cut(strings.TrimSpace(string(said)), "\n")
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fail(name, "run `"+path+" --version` by hand", "%s does not answer%s", path, whose)
	}
	if err != nil {
		return fail(name, "run `"+path+" --version` by hand", "%s cannot be run: %v%s", path, err, whose)
	}
	if old, isPython := strings.CutPrefix(version, "Python 3."); isPython {
		if minor, _, _ := strings.Cut(old, "."); len(minor) == 1 && minor < "6" {
			return warn(name, "install Python 3.6 or newer, or name another one by `interpreter`", "%s at %s is older than what mlhost is tested with%s", version, path, whose)
		}
	}
	return ok(name, "%s at %s%s", clip(version), path, whose)
}

// plugins asks every plugin of the configuration to describe itself.
func (o Options) plugins(ctx context.Context) []v1.Check {
	if o.Config == nil {
		return nil
	}
	sup := supervisor.New(supervisor.Options{})
	var out []v1.Check
	for _, s := range o.Config.Scripts {
		if s.Plugin != "" {
			out = append(out, plugin(ctx, sup, s))
		}
	}
	return out
}

func plugin(ctx context.Context, sup *supervisor.Supervisor, s *config.Script) v1.Check {
	name := "plugin of " + s.Name
	if diags := s.CheckFiles(); diags.HasErrors() {
		return fail(name, "build it, or correct the path in the script block", "%s", diags[0].Detail)
	}
	begun := time.Now()
	d, err := sup.Describe(ctx, s)
	if err != nil {
		e := script.AsError(err)
		fix := e.Hint
		if fix == "" {
			fix = "`mlhost plugin test " + s.Plugin + "` shows what it does; build it again with the sdk of this mlhost"
		}
		return fail(name, fix, "%s", e.Message)
	}
	return ok(name, "%s answers after %s: %d parameters, %d variables", s.Plugin, time.Since(begun).Round(time.Millisecond), len(d.Parameters), len(d.Variables))
}

// gpu asks the driver's own tool which devices there are.
func (o Options) gpu(ctx context.Context) []v1.Check {
	const name = "GPU"
	path, err := exec.LookPath("nvidia-smi")
	if err != nil {
		return []v1.Check{skip(name, "nvidia-smi is not in $PATH")}
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	said, err := exec.CommandContext(ctx, path, "--query-gpu=index,name,driver_version,memory.used,memory.total", "--format=csv,noheader").CombinedOutput()
	text := strings.TrimSpace(string(said))
	if err != nil {
		return []v1.Check{fail(name, "reload or install the driver that fits the kernel; in a container give it the devices (--gpus all)", "nvidia-smi fails: %v: %s", err, clip(text))}
	}
	list := strings.ReplaceAll(text, "\n", "; ")
	if visible, set := o.Env("CUDA_VISIBLE_DEVICES"); set {
		if visible == "" || visible == "-1" {
			return []v1.Check{warn(name, "unset CUDA_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES=%q hides them from scripts: %s", visible, list)}
		}
		list += "; CUDA_VISIBLE_DEVICES=" + visible
	}
	if text == "" {
		return []v1.Check{warn(name, "in a container give it the devices (--gpus all)", "the driver is there, and no device")}
	}
	return []v1.Check{ok(name, "%s", list)}
}
