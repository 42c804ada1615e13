package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/mlhost/mlhost/shared/script"
)

// Finding is a diagnostic as `validate --json` prints it.
type Finding struct {
	Severity string `json:"severity"` // "error" or "warning"
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
}

// Findings converts diagnostics for JSON; it never returns nil.
func Findings(diags hcl.Diagnostics) []Finding {
	found := make([]Finding, 0, len(diags))
	for _, d := range diags {
		f := Finding{Severity: "error", Summary: d.Summary, Detail: d.Detail}
		if d.Severity == hcl.DiagWarning {
			f.Severity = "warning"
		}
		if d.Subject != nil {
			f.File, f.Line, f.Column = d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column
		}
		found = append(found, f)
	}
	return found
}

// Error returns diags as one error of code config_invalid that carries every
// message, or nil where none is an error.
func Error(diags hcl.Diagnostics) error {
	if !diags.HasErrors() {
		return nil
	}
	var lines []string
	at := ""
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		line := d.Summary
		if d.Detail != "" {
			line += ": " + d.Detail
		}
		if at == "" && d.Subject != nil {
			at = place(*d.Subject)
		} else if d.Subject != nil {
			line = place(*d.Subject) + ": " + line
		}
		lines = append(lines, line)
	}
	return &script.Error{Code: script.CodeConfigInvalid, Message: strings.Join(lines, "\n"), At: at}
}

// sorted orders diagnostics by file and place; those without a place lead.
func sorted(diags hcl.Diagnostics) hcl.Diagnostics {
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int {
		switch {
		case a.Subject == nil && b.Subject == nil:
			return 0
		case a.Subject == nil:
			return -1
		case b.Subject == nil:
			return 1
		}
		return cmp.Or(cmp.Compare(a.Subject.Filename, b.Subject.Filename), cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte))
	})
	return diags
}

// place writes a range's start as file:line,column.
func place(r hcl.Range) string {
	return fmt.Sprintf("%s:%d,%d", r.Filename, r.Start.Line, r.Start.Column)
}

// fault makes an error diagnostic.
func fault(at hcl.Range, summary, format string, args ...any) *hcl.Diagnostic {
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(format, args...)}
	if at.Filename != "" {
		d.Subject = &at
	}
	return d
}

// warning makes a warning diagnostic.
func warning(at hcl.Range, summary, format string, args ...any) *hcl.Diagnostic {
	d := fault(at, summary, format, args...)
	d.Severity = hcl.DiagWarning
	return d
}

// didYouMean returns ` Did you mean "x"?`, or "" where nothing is close.
// Only so many candidates are looked at: ten thousand unknown names among ten
// thousand known ones must not take minutes.
func didYouMean(name string, candidates []string) string {
	candidates = candidates[:min(len(candidates), 500)]
	if best := script.Suggest(name, candidates); best != "" {
		return fmt.Sprintf(" Did you mean %q?", best)
	}
	return ""
}

// knownList returns " Known: a, b, c." for a message, bounded.
func knownList(what string, names []string) string {
	const most = 12
	if len(names) == 0 {
		return fmt.Sprintf(" There are no %s.", what)
	}
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	return fmt.Sprintf(" Known %s: %s%s.", what, strings.Join(names, ", "), more)
}
