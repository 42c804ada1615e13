package python

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The folders of libraries are told by where the interpreter is.
func TestSitePackages(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	put := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	base := put("opt/bin/python3.11", "")
	put("opt/lib/python3.11/site-packages/base/__init__.py", "")
	put("opt/lib/python3.8/site-packages/other/__init__.py", "")
	if err := os.Symlink(base, filepath.Join(dir, "opt/bin/python3")); err != nil {
		t.Fatal(err)
	}
	put("venv/bin/python", "")
	put("venv/lib/python3.11/site-packages/own/__init__.py", "")
	ofBase, ofVenv := filepath.Join(dir, "opt/lib/python3.11/site-packages"), filepath.Join(dir, "venv/lib/python3.11/site-packages")
	for _, test := range []struct {
		conf string
		path string
		want []string
	}{
		{"", "opt/bin/python3", []string{ofBase}},
		{"home = " + filepath.Join(dir, "opt/bin") + "\ninclude-system-site-packages = false\n", "venv/bin/python", []string{ofVenv}},
		{"home = " + filepath.Join(dir, "opt/bin") + "\ninclude-system-site-packages = true\n", "venv/bin/python", []string{ofVenv, ofBase}},
		{"", "absent/bin/python", nil},
	} {
		if test.conf != "" {
			put("venv/pyvenv.cfg", test.conf)
		}
		if got := SitePackages([]string{filepath.Join(dir, test.path)}); !slices.Equal(got, test.want) {
			t.Errorf("%+v: %q", test, got)
		}
	}
}

// What is installed to be edited lies elsewhere: a .pth file says where. Its
// lines of code are not run, and nothing odd in one holds anything up.
func TestLinkedPackages(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	site := filepath.Join(dir, "a [b]", "lib", "python3.11", "site-packages")
	for _, folder := range []string{filepath.Join(dir, "a [b]", "bin"), filepath.Join(site, "beside.pth"), filepath.Join(site, "inner"), filepath.Join(dir, "edited", "src"), filepath.Join(dir, "flat", "pkg")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	edited := filepath.Join(dir, "edited", "src")
	for name, text := range map[string]string{
		filepath.Join(dir, "a [b]", "bin", "python3.11"): "",
		filepath.Join(site, "one.pth"):                   "# a remark\nimport os; os.mkdir('made')\n" + edited + "\r\ninner\n" + edited + "\n/no/such/folder\n\x00\n",
		filepath.Join(site, "__editable___pkg_1_0_finder.py"): "import sys\nMAPPING: dict[str, str] = {'pkg': '" + filepath.Join(dir, "flat", "pkg") + "', 'other': '/no/such/other', 'renamed': '" + dir +
			"', \"up.mod\": \"" + filepath.Join(dir, "up", "mod") + "\"}\nNAMESPACES: dict[str, list[str]] = {}\n",
		filepath.Join(site, "large.pth"): dir + "\n" + strings.Repeat("#", maxPthSize),
	} {
		if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	found := withLinked([]string{site})
	if want := []string{site, edited, filepath.Join(site, "inner"), filepath.Join(dir, "flat"), dir}; !slices.Equal(found, want) {
		t.Errorf("%q, want %q", found, want)
	}
}
