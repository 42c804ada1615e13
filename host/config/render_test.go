package config

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/mlhost/mlhost/shared/script"
)

func TestRender(t *testing.T) {
	src := "a = 1\r\n\tb = \"é\" # end\nc = [\n1,\n]\n"
	files := map[string]*hcl.File{"f.hcl": {Bytes: []byte(src)}}
	at := func(from, to string) *hcl.Range {
		r := rangeAt([]byte(src), "f.hcl", strings.Index(src, from))
		r.End.Byte = strings.Index(src, to)
		return &r
	}
	diags := hcl.Diagnostics{
		{Severity: hcl.DiagError, Summary: "One", Detail: "some words that are to be wrapped somewhere", Subject: at("1\r", "\r")},
		{Severity: hcl.DiagWarning, Summary: "Two", Subject: at("\"é", " # end")},
		{Severity: hcl.DiagError, Summary: "Three", Subject: at("[\n", "]\n")},
		{Severity: hcl.DiagError, Summary: "Elsewhere", Subject: &hcl.Range{Filename: "gone.hcl", Start: hcl.Pos{Line: 9, Column: 1, Byte: 999}}},
		{Severity: hcl.DiagError, Summary: "Nowhere", Detail: "It has no place."},
	}
	var out bytes.Buffer
	if err := WriteDiagnostics(&out, files, diags, 20, false); err != nil {
		t.Fatal(err)
	}
	want := "Error: One\n\n  on f.hcl:1,5:\n   1: a = 1\n          ^\n\nsome words that are\nto be wrapped\nsomewhere\n\n" +
		"Warning: Two\n\n  on f.hcl:2,6:\n   2: \tb = \"é\" # end\n      \t    ^^^\n\n" +
		"Error: Three\n\n  on f.hcl:3,5:\n   3: c = [\n          ^\n\n" +
		"Error: Elsewhere\n\n  on gone.hcl:9,1\n\nError: Nowhere\n\nIt has no place.\n\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	out.Reset()
	if err := WriteDiagnostics(&out, files, diags, 0, true); err != nil || !strings.Contains(out.String(), red) {
		t.Errorf("no colour: %v", err)
	}
}

// TestLongLines: of a very long line what is around the culprit is shown, and
// the carets stand below it.
func TestLongLines(t *testing.T) {
	src := strings.Repeat("é", 5000) + "<culprit>" + strings.Repeat("ü", 5000) + "\n"
	r := rangeAt([]byte(src), "f.hcl", strings.Index(src, "<"))
	r.End.Byte = r.Start.Byte + len("<culprit>")
	var out bytes.Buffer
	files := map[string]*hcl.File{"f.hcl": {Bytes: []byte(src)}}
	if err := WriteDiagnostics(&out, files, hcl.Diagnostics{{Summary: "S", Subject: &r}}, 0, false); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	excerpt, carets := lines[3], lines[4]
	if n := utf8.RuneCountInString(excerpt); n > 2*maxExcerpt+50 {
		t.Errorf("%d characters", n)
	}
	before, _, _ := strings.Cut(excerpt, "<")
	if want := strings.Repeat(" ", utf8.RuneCountInString(before)) + "^^^^^^^^^"; carets != want {
		t.Errorf("carets %q, want %q", carets, want)
	}
}

func TestFindings(t *testing.T) {
	r := rangeAt([]byte("a\nbc"), "f.hcl", 3)
	diags := hcl.Diagnostics{
		{Severity: hcl.DiagError, Summary: "One", Detail: "It is wrong.", Subject: &r},
		{Severity: hcl.DiagWarning, Summary: "Two"},
		{Severity: hcl.DiagError, Summary: "Three"},
	}
	findings := Findings(diags)
	if findings[0] != (Finding{"error", "One", "It is wrong.", "f.hcl", 2, 2}) || findings[1] != (Finding{Severity: "warning", Summary: "Two"}) {
		t.Errorf("findings %+v", findings)
	}
	err := script.AsError(Error(diags))
	if err.Code != script.CodeConfigInvalid || err.At != "f.hcl:2,2" || err.Message != "One: It is wrong.\nThree" {
		t.Errorf("error %+v", err)
	}
	if Error(diags[1:2]) != nil || Findings(nil) == nil {
		t.Error("a warning alone is no error")
	}
}
