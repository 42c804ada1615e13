package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/hcl/v2"

	"github.com/mlhost/mlhost/shared/script"
)

// TestTwins loads each ready-made configuration and the contract's examples
// in both forms, which must mean the same.
func TestTwins(t *testing.T) {
	for _, twins := range [][2]string{
		{"../../configs/*.hcl", ".json"},
		{"testdata/contract/*.hcl", ".hcl.json"},
	} {
		names, err := filepath.Glob(twins[0])
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v", twins[0], err)
		}
		for _, name := range names {
			t.Run(filepath.Base(name), func(t *testing.T) {
				native := loadTwin(t, name)
				json := loadTwin(t, strings.TrimSuffix(name, ".hcl")+twins[1])
				options := []cmp.Option{
					cmpopts.IgnoreTypes(hcl.Range{}),
					cmpopts.IgnoreFields(Config{}, "Files"),
					cmpopts.IgnoreUnexported(Script{}, Parameter{}, Route{}, TopicRoute{}, Allow{}),
					cmpopts.SortSlices(func(a, b *Script) bool { return a.Name < b.Name }),
					cmpopts.SortSlices(func(a, b *Route) bool { return a.Name < b.Name }),
				}
				if diff := cmp.Diff(native, json, options...); diff != "" {
					t.Errorf("HCL and JSON differ (-hcl +json):\n%s", diff)
				}
				for _, s := range native.Scripts {
					twin, ok := json.Script(s.Name)
					if !ok {
						t.Fatalf("no script %s in JSON", s.Name)
					}
					a, b := s.Launch("/run"), twin.Launch("/run")
					equalLaunch(t, a, b)
				}
			})
		}
	}
}

func equalLaunch(t *testing.T, a, b script.Launch) {
	t.Helper()
	for i := range b.Parameters {
		if a.Parameters[i].Spec.Origin.Style != "config" || a.Parameters[i].At == "" {
			t.Errorf("%s: no origin", a.Parameters[i].Spec.Name)
		}
		b.Parameters[i].At = a.Parameters[i].At
		b.Parameters[i].Spec.Origin = a.Parameters[i].Spec.Origin
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("launch of %s:\nHCL  %+v\nJSON %+v", a.Script, a, b)
	}
}

// loadTwin loads a copy of the file, beside a folder of scripts.
func loadTwin(t *testing.T, name string) *Config {
	t.Helper()
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	formatted, diags := Format(src, name)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if strings.Contains(name, "configs/") && string(formatted) != string(src) {
		t.Errorf("%s is not in the canonical layout", name)
	}
	dir := t.TempDir()
	for _, file := range []string{"01-train.py", "test_it.py", "conftest.py", "fit.py"} {
		write(t, filepath.Join(dir, "ml-models", file), "")
		write(t, filepath.Join(dir, file), "")
	}
	copied := filepath.Join(dir, filepath.Base(name))
	write(t, copied, string(src))
	c, diags := Load(copied, Options{Env: func(string) (string, bool) { return "", false }})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if len(c.Scripts) == 0 {
		t.Error("no scripts")
	}
	relative(reflect.ValueOf(c).Elem(), c.Dir)
	return c
}

// relative takes the directory off all paths, which differ between twins.
func relative(v reflect.Value, dir string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			relative(v.Elem(), dir)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Type().Field(i).Name != "Files" {
				relative(v.Field(i), dir)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			relative(v.Index(i), dir)
		}
	case reflect.String:
		if v.CanSet() {
			v.SetString(strings.ReplaceAll(v.String(), dir, "/dir"))
		}
	}
}
