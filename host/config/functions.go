package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// pureFunctions are known everywhere, in routes too.
var pureFunctions = map[string]function.Function{
	// strings
	"chomp": stdlib.ChompFunc, "format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc,
	"indent": stdlib.IndentFunc, "join": stdlib.JoinFunc, "lower": stdlib.LowerFunc, "regex": stdlib.RegexFunc,
	"regexall": stdlib.RegexAllFunc, "regexreplace": stdlib.RegexReplaceFunc, "replace": stdlib.ReplaceFunc,
	"split": stdlib.SplitFunc, "strlen": stdlib.StrlenFunc, "strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc,
	"title": stdlib.TitleFunc, "trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc,
	"trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc, "upper": stdlib.UpperFunc,
	// numbers
	"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "int": stdlib.IntFunc,
	"log": stdlib.LogFunc, "parseint": stdlib.ParseIntFunc, "pow": stdlib.PowFunc, "signum": stdlib.SignumFunc,
	// collections
	"chunklist": stdlib.ChunklistFunc, "coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc,
	"compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc,
	"distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc,
	"index": stdlib.IndexFunc, "keys": stdlib.KeysFunc, "length": stdlib.LengthFunc, "lookup": stdlib.LookupFunc,
	"merge": stdlib.MergeFunc, "range": stdlib.RangeFunc, "reverse": stdlib.ReverseListFunc, "slice": stdlib.SliceFunc,
	"sort": stdlib.SortFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
	// conversions
	"csvdecode": stdlib.CSVDecodeFunc, "jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc,
	"tobool": stdlib.MakeToFunc(cty.Bool), "tonumber": stdlib.MakeToFunc(cty.Number), "tostring": stdlib.MakeToFunc(cty.String),
	"tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), "tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
	"try": tryfunc.TryFunc.WithNewDescriptions("Returns the first of the expressions that has a value.", []string{""}),
	"can": tryfunc.CanFunc.WithNewDescriptions("Returns true if the expression has a value.", []string{""}),
	// numbers in lists; see statistics.go
	"mean": meanFunc, "median": medianFunc, "min": minFunc, "max": maxFunc, "sum": sumFunc,
	"slope": slopeFunc, "plateau": plateauFunc, "all": allFunc, "any": anyFunc,
}

// loadFunctions are those known while a configuration is loaded: env and
// file read the outside world, which a route's expressions must not do.
func loadFunctions(dir string, env func(string) (string, bool)) map[string]function.Function {
	functions := maps.Clone(pureFunctions)
	functions["env"] = envFunc(env)
	functions["file"] = fileFunc(dir)
	return functions
}

// envFunc reads an environment variable; one that is not set is null, so that
// coalesce(env("X"), "default") works.
func envFunc(lookup func(string) (string, bool)) function.Function {
	return function.New(&function.Spec{
		Description: "Returns the host's environment variable of that name, null where it is not set.",
		Params:      []function.Parameter{{Name: "name", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if value, ok := lookup(args[0].AsString()); ok {
				return cty.StringVal(value), nil
			}
			return cty.NullVal(cty.String), nil
		},
	})
}

// fileFunc reads a text file below dir. Links that lead out of it are refused
// by os.Root.
func fileFunc(dir string) function.Function {
	return function.New(&function.Spec{
		Description: "Returns the text of a file below the configuration's directory: UTF-8, at most 1 MiB; links that lead out of the directory are refused.",
		Params:      []function.Parameter{{Name: "path", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			text, err := readBelow(dir, args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			return cty.StringVal(text), nil
		},
	})
}

func readBelow(dir, name string) (string, error) {
	if filepath.IsAbs(name) {
		return "", fmt.Errorf("file(%q): only files below the configuration's directory can be read; give a relative path", name)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer func() { _ = root.Close() }() // it was only read
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		reason := err.Error()
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			reason = pathErr.Err.Error()
		}
		if !errors.Is(err, fs.ErrNotExist) {
			reason += "; only files below the configuration's directory can be read"
		}
		return "", fmt.Errorf("file(%q): %s", name, reason)
	}
	defer f.Close()
	src, err := readRegular(f)
	if err != nil {
		return "", fmt.Errorf("file(%q): %w", name, err)
	}
	if !utf8.Valid(src) {
		return "", fmt.Errorf("file(%q): it is not UTF-8 text", name)
	}
	return string(src), nil
}
