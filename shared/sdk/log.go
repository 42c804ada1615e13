package sdk

import (
	"context"
	"log/slog"
	"strings"

	"github.com/mlhost/mlhost/shared/script"
)

// logHandler writes slog records to the run's log: the message, then the
// attributes as name=value.
type logHandler struct {
	p      *Plugin
	prefix string // of attribute names: the groups
	attrs  string // already written
}

func (h *logHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	b.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		writeAttr(&b, h.prefix, a)
		return true
	})
	h.p.log(levelName(r.Level), b.String())
	return nil
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	b.WriteString(h.attrs)
	for _, a := range attrs {
		writeAttr(&b, h.prefix, a)
	}
	return &logHandler{p: h.p, prefix: h.prefix, attrs: b.String()}
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &logHandler{p: h.p, prefix: h.prefix + name + ".", attrs: h.attrs}
}

func writeAttr(b *strings.Builder, prefix string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, member := range v.Group() {
			writeAttr(b, prefix, member)
		}
		return
	}
	if a.Equal(slog.Attr{}) {
		return
	}
	b.WriteString(" " + prefix + a.Key + "=" + v.String())
}

func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warn"
	}
	return "error"
}

// log emits lines of a log text, long ones in parts.
func (p *Plugin) log(level, text string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		for len(line) > script.MaxLogText {
			cut := script.MaxLogText
			for cut > script.MaxLogText-4 && line[cut]&0xC0 == 0x80 { // not inside of a rune
				cut--
			}
			p.recorder.emit(script.LogLine{Stream: "log", Level: level, Text: line[:cut], Partial: true})
			line = line[cut:]
		}
		p.recorder.emit(script.LogLine{Stream: "log", Level: level, Text: line})
	}
}
