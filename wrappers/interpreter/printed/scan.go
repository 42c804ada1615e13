package printed

import (
	"slices"
	"strings"
)

// pair is a name with its number.
type pair struct {
	name, unit string
	value      float64
	sure       bool  // the name tells of training; others count beside such a one only
	before     *held // what the name had when it was seen first, held back since
}

// count is where the script is in something.
type count struct {
	name        string // epoch, step; "" for a bare 640/60000
	done, total float64
}

// scan is what one line says, without its history.
type scan struct {
	pairs  []pair
	counts []count
	eta    float64 // seconds; 0: not told

	repeats bool // a progress bar, or the row of a table: no list of settings
}

// maxPairs is the most that a line of training says; one with more is a dump
// of settings.
const maxPairs = 48

// scanner walks over the tokens of a line.
type scanner struct {
	scan
	tokens []token
	scope  string // test, of "Test set: Average loss: 0.3"
	used   int    // tokens before this one belong to what was found already
}

func scanLine(line string) scan {
	if isCall(line) {
		return scan{}
	}
	s := scanner{tokens: tokenize(line)}
	if isSettings(s.tokens) || isListOfSettings(s.tokens) {
		return scan{}
	}
	s.head()
	for i := range s.tokens {
		switch t := s.tokens[i]; {
		case t.kind == number && i >= s.used:
			s.number(i)
		case t.kind == clock && i > 1 && s.separated(i) && strings.EqualFold(s.tokens[i-2].text, "eta"):
			s.eta = t.value
		}
	}
	return s.finish()
}

// isCall reports whether a line is the repr of an object: Namespace(lr=0.1).
func isCall(line string) bool {
	line = strings.TrimSpace(line)
	n := 0
	for n < len(line) && (letter(line[n]) || line[n] == '_' || digit(line[n]) && n > 0) {
		n++
	}
	return n > 1 && at(line, n) == '(' && strings.HasSuffix(line, ")") && strings.Count(line, "=") > 1
}

// isSettings reports whether a line shows a dictionary of settings, as
// print(vars(args)) does: values that are texts or truths, and at least two
// names of what is chosen before a run.
func isSettings(tokens []token) bool {
	if len(tokens) == 0 || !tokens[len(tokens)-1].is("}") {
		return false
	}
	open, texts, names := false, false, 0
	for i, t := range tokens {
		switch {
		case t.is("{"):
			open = true
		case !open || i == 0:
		case tokens[i-1].is(":"):
			texts = texts || t.quote && t.kind != number || t.text == "True" || t.text == "False" || t.text == "true" || t.text == "false"
		case t.quote && i+1 < len(tokens) && tokens[i+1].is(":") && chosen.has(strings.ToLower(t.text)):
			names++
		}
	}
	return texts && names > 1
}

// fewSettings is the least that a line of settings behind one another has.
const fewSettings = 6

// isListOfSettings reports whether a line shows settings behind one another,
// "hyperparameters: lr0=0.01, momentum=0.9, weight_decay=0.0005, …": at least
// two names of what is chosen before a run, and none of what is measured.
func isListOfSettings(tokens []token) bool {
	all, names := 0, 0
	for i, t := range tokens {
		if t.kind != word || i+1 >= len(tokens) || !tokens[i+1].is("=") {
			continue
		}
		name := strings.ToLower(t.text)
		switch {
		case chosen.has(name):
			names++
		case measured.has(name) && !isSetting(name), counters.has(name):
			return false
		}
		all++
	}
	return all >= fewSettings && names > 1
}

// head reads what stands at the beginning of lines without a name: [10],
// [1, 2000], 938/1875 and 10: of xgboost, the tutorials, Keras and catboost.
func (s *scanner) head() {
	t := s.tokens
	if len(t) < 3 {
		return
	}
	switch {
	case t[0].kind == word && scopes.has(strings.ToLower(t[0].text)):
		s.scope = strings.ToLower(t[0].text)
	case t[0].is("[") && isCount(t[1]) && t[2].is("]") && len(t) > 3 && !t[3].is("["):
		s.counts = append(s.counts, count{name: "round", done: t[1].value})
		s.used = 3
	case t[0].is("[") && len(t) > 5 && isCount(t[1]) && t[2].is(",") && isCount(t[3]) && t[4].is("]"):
		s.counts = append(s.counts, count{name: "epoch", done: t[1].value}, count{name: "batch", done: t[3].value})
		s.used = 5
	case len(t) > 9 && t[0].is("[") && isCount(t[1]) && t[2].is("/") && isCount(t[3]) && t[4].is("]") && t[5].is("[") && isCount(t[6]) && t[7].is("/") && isCount(t[8]):
		s.counts = append(s.counts, count{"epoch", t[1].value, t[3].value}, count{"batch", t[6].value, t[8].value})
		s.used = 9
	case isCount(t[0]) && t[1].is(":") && t[1].tight && t[2].gap:
		s.counts = append(s.counts, count{name: "round", done: t[0].value})
		s.used = 2
	case isCount(t[0]) && t[1].is("/") && isCount(t[2]) && len(t) > 3:
		s.counts = append(s.counts, count{done: t[0].value, total: t[2].value})
		s.used = 3
	}
}

func isCount(t token) bool { return t.kind == number && t.whole && t.unit == "" && t.value >= 0 }

// separated reports whether a colon or an equals sign stands before a token.
func (s *scanner) separated(i int) bool {
	return i > 0 && (s.tokens[i-1].is(":") || s.tokens[i-1].is("="))
}

// number sees whose number the one at i is.
func (s *scanner) number(i int) {
	end, total := s.ratio(i)
	name, sep, ok := s.nameBefore(i)
	switch {
	case !ok:
		if total >= s.tokens[i].value && isCount(s.tokens[i]) && s.isPlace(i, end) {
			s.counts = append(s.counts, count{done: s.tokens[i].value, total: total})
		}
	case s.count(name, i, total):
	default:
		s.pair(name, sep, i, end, total)
	}
	s.used = end
}

// isPlace reports whether 10/100 without a name is where the script is, by
// what stands around it: [10/100], epoch 1: 10/100, 10/100 batches.
func (s *scanner) isPlace(i, end int) bool {
	if end < len(s.tokens) {
		next := s.tokens[end]
		if _, is := counter(strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(next.text), "es"), "s")); is || strings.EqualFold(next.text, "batches") {
			return true
		}
		if i > 0 && s.tokens[i-1].is("[") && (next.is("]") || next.is("(")) {
			return true
		}
	}
	return i > 1 && s.tokens[i-1].is(":") && isCount(s.tokens[i-2])
}

// ratio returns the end of a number, and the total of one like 3/10 and 3 of 10.
func (s *scanner) ratio(i int) (end int, total float64) {
	t := s.tokens
	if i+2 < len(t) && (t[i+1].is("/") || strings.EqualFold(t[i+1].text, "of")) && t[i+2].kind == number && t[i].unit == "" && t[i+2].value > 0 {
		return i + 3, t[i+2].value
	}
	return i + 1, 0
}

// nameBefore returns the name that the number at i has, and whether a colon or
// an equals sign stands between.
func (s *scanner) nameBefore(i int) (name string, sep, ok bool) {
	at := i - 1
	bracket := at >= s.used && s.tokens[at].is("[")
	if bracket {
		at--
	}
	if at >= s.used && (s.tokens[at].is(":") || s.tokens[at].is("=")) {
		at, sep = at-1, true
	}
	if at < s.used || s.tokens[at].kind != word {
		return s.nameOfSentence(at, sep)
	}
	if !sep && !bracket && at-1 >= s.used && links.has(strings.ToLower(s.tokens[at].text)) && s.tokens[at-1].kind == word {
		at-- // a top score of 0.9
	}
	name = s.phrase(at)
	if _, is := counter(last(name)); bracket && !is {
		return "", false, false
	}
	if _, is := counter(last(name)); sep && !is && !isMeasured(name) && !s.tokens[at].quote {
		if told, _, ok := s.nameOfSentence(at, sep); ok {
			return told, sep, true
		}
	}
	return name, sep, true
}

// nameOfSentence finds what "Accuracy of the network on the test images: 54 %"
// and "Loss after epoch 3: 0.5" measure.
func (s *scanner) nameOfSentence(at int, sep bool) (string, bool, bool) {
	if !sep {
		return "", false, false
	}
	first, scope := "", ""
	for j := at; j >= 0; j-- {
		t := s.tokens[j]
		if t.kind == mark && !t.is("(") && !t.is(")") || t.quote {
			break
		}
		if text := strings.ToLower(t.text); t.kind == word && isMeasured(text) {
			first = text
		} else if scopes.has(text) {
			scope = text + "_"
		}
	}
	return scope + first, sep, first != ""
}

// phrase returns the name that ends with the word at i: up to three words.
func (s *scanner) phrase(i int) string {
	words := []string{s.tokens[i].text}
	for j := i; len(words) < 3 && j > s.used && !s.tokens[j].quote; {
		if s.tokens[j].gap {
			break
		}
		j--
		before := s.tokens[j]
		if before.is(".") && j > s.used && len(s.tokens[j-1].text) <= 5 && scopes.has(strings.ToLower(s.tokens[j-1].text)) {
			j--
			before = s.tokens[j] // Val. Loss
		}
		text := strings.ToLower(before.text)
		if _, is := counter(text); before.kind != word || before.quote || is || breaks.has(text) {
			break
		}
		words = append(words, before.text)
	}
	slices.Reverse(words)
	if len(words) == 2 && blurs.has(strings.ToLower(words[0])) {
		words = words[1:]
	}
	return cleanName(strings.Join(words, "_"))
}

// cleanName makes a variable's name of printed words. What is spelt as a
// program's own name keeps its capitals: dtrain-PyRMSLE, as the library that
// prints it reports it too.
func cleanName(text string) string {
	text = strings.ReplaceAll(text, "'s", "")
	if !isIdentifier(text) {
		text = strings.ToLower(text)
	}
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r == '\'' || r == '^' || r == '#':
			return -1
		case r <= ' ' || r == '+' || r == '%' || r == 0xFFFD:
			return '_'
		}
		return r
	}, text), "_-./")
}

// isIdentifier reports whether a capital stands behind a small letter.
func isIdentifier(text string) bool {
	for i := 1; i < len(text); i++ {
		if text[i] >= 'A' && text[i] <= 'Z' && text[i-1] >= 'a' && text[i-1] <= 'z' {
			return true
		}
	}
	return false
}

func last(name string) string {
	if name == "global_step" || strings.HasPrefix(name, "total_") || strings.HasPrefix(name, "num_") || strings.HasPrefix(name, "batch_") {
		return name
	}
	return name[strings.LastIndexByte(name, '_')+1:]
}

// count takes the number at i as where the script is, if its name says so.
func (s *scanner) count(name string, i int, total float64) bool {
	plain, is := counter(last(name))
	t := s.tokens[i]
	if !is || limits.has(pieces(name)[0]) && plain != strings.ToLower(name) || t.unit != "" || t.value < 0 || total > 0 && t.value > total || !t.whole && plain != "epoch" {
		return false
	}
	s.counts = append(s.counts, count{plain, t.value, total})
	return true
}

// pair takes the number at i as a variable's value.
func (s *scanner) pair(name string, sep bool, i, end int, total float64) {
	t := s.tokens[i]
	p := pair{name: name, unit: t.unit, value: t.value, sure: isMeasured(name)}
	if s.tokens[max(0, i-2)].kind == word && p.unit == "" {
		p.unit = s.tokens[max(0, i-2)].unit
	}
	plain := last(name)
	switch {
	case name == "" || len(name) > 64 || nobodys.has(name) || strings.HasSuffix(name, ".py") || plain == "eta":
		return
	case scopes.has(name) && (t.whole || !sep):
		return
	case !p.sure && !sep && !s.alone(i, end):
		return
	case !p.sure && sep && t.whole && t.tight && s.tokens[i-1].is(":") && !s.tokens[max(0, i-2)].quote:
		return // train:55, of a logger
	case sep && t.whole && t.tight && s.tokens[i-1].is("=") && isEnvironment(s.tokens[max(0, i-2)].text):
		return // HYDRA_FULL_ERROR=1, of a hint
	}
	if total > 0 && isRatio(name) {
		p.value /= total
	}
	if scopes.has(s.scope) && !trains(s.scope) && p.sure && !scopes.has(pieces(name)[0]) {
		p.name = s.scope + "_" + name
	}
	s.pairs = append(s.pairs, p)
}

// isEnvironment reports whether a name is spelt as those of the environment are.
func isEnvironment(name string) bool {
	return strings.Contains(name, "_") && strings.ToUpper(name) == name
}

func trains(scope string) bool { return strings.HasPrefix(scope, "tr") || scope == "learn" }

// alone reports whether the number at i and the words before it are all that
// stands between two commas or bars: "time 12.3ms" of nanoGPT.
func (s *scanner) alone(i, end int) bool {
	if end < len(s.tokens) {
		if next := s.tokens[end]; !next.gap && !next.is(",") && !next.is("|") && !next.is(";") && !next.is("(") && !next.is(")") && !next.is("]") {
			return false
		}
	}
	for j := i - 1; j >= 0; j-- {
		switch t := s.tokens[j]; {
		case t.is(",") || t.is("|") || t.is(";") || t.is(":") || t.is("]") || t.is(")"):
			return i-j <= 4
		case t.kind != word:
			return false
		case t.gap && j < i:
			return i-j <= 3
		}
	}
	return false
}

// finish leaves out what does not count: names that tell nothing of training
// where nothing else does.
func (s *scanner) finish() scan {
	if len(s.pairs) > maxPairs {
		return scan{}
	}
	sure := len(s.counts) > 0
	for _, p := range s.pairs {
		sure = sure || p.sure
	}
	if !sure {
		s.pairs = nil
	}
	return s.scan
}
