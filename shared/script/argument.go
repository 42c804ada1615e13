package script

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The forms of an Argument.
const (
	ArgValue    = "value"    // one argument, --lr=0.1
	ArgFlag     = "flag"     // Flag where it is true, Off where it is false
	ArgList     = "list"     // --layers 64 32
	ArgRepeat   = "repeat"   // --tag=a --tag=b
	ArgComma    = "csv"      // --tags=a,b
	ArgWords    = "words"    // --tags=a b, one argument
	ArgCount    = "count"    // -v -v
	ArgPosition = "position" // the value alone
	ArgOverride = "override" // hydra's model.lr=0.1
	ArgCommand  = "command"  // the word of a subcommand
)

// The ways in which an Argument spells a value, beside the plain one.
const (
	TextLower  = "lower"  // true and false
	TextTruth  = "truth"  // type=bool: any text is true, the empty one is false
	TextPython = "python" // a literal of Python
	TextYAML   = "yaml"   // JSON, which is YAML too
	TextHydra  = "hydra"  // the grammar of hydra's overrides
)

// Argument is the part of a command line that carries a discovered parameter.
type Argument struct {
	Form     string `json:"form"`
	Flag     string `json:"flag,omitempty"`
	Off      string `json:"off,omitempty"`      // the flag that clears it
	Text     string `json:"text,omitempty"`     // how a value is spelt
	Nargs    string `json:"nargs,omitempty"`    // of a list or a position: "+", "*", "?", "-1", a number; "": one value
	Position int    `json:"position,omitempty"` // 1 is the first
	Appends  bool   `json:"appends,omitempty"`  // the script puts what is given behind its default

	// Aliases are further spellings of Flag; with Abbreviates their beginnings
	// do too, as long as no other option begins so.
	Aliases     []string `json:"aliases,omitempty"`
	Abbreviates bool     `json:"abbreviates,omitempty"`

	// Commands are the subcommands that it belongs to, each by its words; none
	// for an argument of the script itself. Before are the words of subcommands
	// that it has to stand before.
	Commands [][]string `json:"commands,omitempty"`
	Before   []string   `json:"before,omitempty"`
}

// Args returns the arguments that carry v, none where the script's own default
// is the same; or the reason why v cannot be passed.
func (a *Argument) Args(spec *ParameterSpec, v Value) ([]string, error) {
	if v.IsNull() {
		return nil, nil
	}
	args, err := a.args(spec, v)
	if err != nil {
		return nil, err
	}
	for _, arg := range args {
		if strings.ContainsRune(arg, 0) {
			return nil, errors.New("it holds a NUL character, which no argument can carry")
		}
	}
	return args, nil
}

func (a *Argument) args(spec *ParameterSpec, v Value) ([]string, error) {
	switch a.Form {
	case ArgFlag:
		return a.flag(spec, v)
	case ArgCount:
		return a.count(spec, v)
	case ArgList, ArgRepeat, ArgComma, ArgWords:
		return a.several(spec, v)
	case ArgPosition:
		if a.Nargs == "" || a.Nargs == "?" {
			text, err := a.single(v)
			return []string{text}, err
		}
		return a.elements(v)
	case ArgCommand:
		return nil, nil // CommandsOf puts it where it belongs
	case ArgOverride:
		text, err := hydraText(v)
		return []string{a.Flag + text}, err
	}
	text, err := a.single(v)
	if err != nil {
		return nil, err
	}
	return a.joined(text), unsafe(text)
}

// unsafe refuses what parsers lose even where it stands behind a flag.
func unsafe(text string) error {
	if text == "--" {
		return errors.New("a parser takes -- for the end of the options")
	}
	return nil
}

// joined puts the text behind the flag, so that a text like -1e-05 is not
// taken for a flag itself.
func (a *Argument) joined(text string) []string {
	switch {
	case strings.HasPrefix(a.Flag, "--") || len(a.Flag) != 2 && strings.HasPrefix(text, "-"):
		return []string{a.Flag + "=" + text}
	case strings.HasPrefix(text, "-"):
		return []string{a.Flag + text}
	}
	return []string{a.Flag, text}
}

func (a *Argument) flag(spec *ParameterSpec, v Value) ([]string, error) {
	on, ok := v.Bool()
	if !ok {
		return nil, fmt.Errorf("the option %s takes no value: only true and false can be passed", a.Flag+a.Off)
	}
	flag := a.Off
	if on {
		flag = a.Flag
	}
	own, _ := spec.Default.Bool()
	switch {
	case flag != "":
		return []string{flag}, nil
	case own == on:
		return nil, nil
	case on:
		return nil, fmt.Errorf("the script has no option that makes it true, only %s", a.Off)
	}
	return nil, fmt.Errorf("the script has no option that makes it false, only %s", a.Flag)
}

// count repeats the flag for as often as the value is above the default.
func (a *Argument) count(spec *ParameterSpec, v Value) ([]string, error) {
	const most = 1000
	n, ok := v.Int()
	own, _ := spec.Default.Int()
	if !ok || n < own || n-own > most {
		return nil, fmt.Errorf("the option %s counts how often it stands there: %d to %d can be passed", a.Flag, own, own+most)
	}
	return slices.Repeat([]string{a.Flag}, int(n-own)), nil
}

// several passes a list by an option.
func (a *Argument) several(spec *ParameterSpec, v Value) ([]string, error) {
	if own, ok := spec.Default.List(); ok && a.Appends {
		list, isList := v.List()
		if !isList || len(list) < len(own) || !List(list[:len(own)]...).Same(spec.Default) {
			return nil, fmt.Errorf("the script puts what %s gives behind its default: only lists that begin with %s can be passed", a.Flag, spec.Default)
		}
		v = List(list[len(own):]...)
	}
	texts, err := a.elements(v)
	if err != nil {
		return nil, err
	}
	switch a.Form {
	case ArgRepeat:
		if own, ok := spec.Default.List(); len(texts) == 0 && ok && len(own) > 0 && !a.Appends {
			return nil, fmt.Errorf("an empty list cannot be passed by %s, which stands there once for each element", a.Flag)
		}
		var args []string
		for _, text := range texts {
			if err := unsafe(text); err != nil {
				return nil, err
			}
			args = append(args, a.joined(text)...)
		}
		return args, nil
	case ArgComma, ArgWords:
		separator := map[string]string{ArgComma: ",", ArgWords: " "}[a.Form]
		for _, text := range texts {
			if text == "" || strings.ContainsAny(text, separator+"\"\n") || strings.TrimSpace(text) != text {
				return nil, fmt.Errorf("the element %q cannot stand in a list that is separated by %q", text, separator)
			}
		}
		return a.joined(strings.Join(texts, separator)), nil
	}
	return append([]string{a.Flag}, texts...), nil
}

// plainNegative is what argparse takes for a value and not for an option, as
// long as no option looks like it.
var plainNegative = pattern(`^-(\d+|\d*\.\d+)$`)

// elements spells the elements of a list, each an argument of its own.
func (a *Argument) elements(v Value) ([]string, error) {
	list, ok := v.List()
	if !ok {
		list = []Value{v}
	}
	if n, err := strconv.Atoi(a.Nargs); err == nil && n >= 0 && n != len(list) {
		return nil, fmt.Errorf("it takes %d values, and there are %d", n, len(list))
	}
	if a.Nargs == "+" && len(list) == 0 {
		return nil, errors.New("it takes at least one value, and the list is empty")
	}
	texts := make([]string, len(list))
	for i, e := range list {
		text, err := a.text(e)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i+1, err)
		}
		if f, ok := e.Float(); ok && strings.HasPrefix(text, "-") {
			text = strconv.FormatFloat(f, 'f', -1, 64)
			if n, ok := e.Int(); ok {
				text = strconv.FormatInt(n, 10)
			}
		}
		if a.Form == ArgList && strings.HasPrefix(text, "-") && !plainNegative().MatchString(text) {
			return nil, fmt.Errorf("element %d, %q, would be taken for an option", i+1, text)
		}
		texts[i] = text
	}
	return texts, nil
}

// single spells a value that is one argument, or a part of one.
func (a *Argument) single(v Value) (string, error) {
	if _, ok := v.List(); ok && a.Text != TextPython && a.Text != TextYAML {
		return "", errors.New("it takes one value, and this is a list")
	}
	return a.text(v)
}

func (a *Argument) text(v Value) (string, error) {
	switch a.Text {
	case TextPython:
		return pythonText(v), nil
	case TextYAML:
		return yamlText(v), nil
	}
	switch v.Kind() {
	case KindList, KindNull, KindBytes:
		return "", fmt.Errorf("%s cannot be passed", describeValue(v))
	case KindBool:
		on, _ := v.Bool()
		switch {
		case a.Text == TextLower:
			return strconv.FormatBool(on), nil
		case a.Text == TextTruth && !on:
			return "", nil // bool("") is False, and bool("False") is True
		case on:
			return "True", nil
		}
		return "False", nil
	}
	return v.String(), nil
}
