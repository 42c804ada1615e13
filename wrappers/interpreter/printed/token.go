package printed

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind says what a token is.
type kind byte

const (
	word   kind = iota // loss, train-rmse, Acc@1, D(G(z))
	number             // 0.5, -1e-3, nan
	clock              // 00:06, 1:02:03: its number is in seconds
	mark               // any other character, alone
	junk               // what starts like a number and is none: 1.2.3, 2024-05-01
)

// token is a piece of a line.
type token struct {
	kind  kind
	text  string
	value float64
	whole bool   // a number without point and exponent
	unit  string // of a number, as it is printed behind it
	tight bool   // nothing stands between this and the token before
	gap   bool   // two spaces and more, or a tab, stand before it
	quote bool   // it was quoted
}

func (t token) is(text string) bool { return t.kind == mark && t.text == text }

// maxTokens bounds what is looked at of one line.
const maxTokens = 400

// lexer cuts a line into tokens.
type lexer struct {
	rest   string
	tokens []token
	spaces int // since the last token; a tab counts two
	before byte
}

func tokenize(line string) []token {
	l := lexer{rest: line, before: ' '}
	for len(l.rest) > 0 && len(l.tokens) < maxTokens {
		l.next()
	}
	return l.tokens
}

// add takes the first n bytes off the rest as a token.
func (l *lexer) add(t token, n int) {
	t.tight, t.gap = l.spaces == 0, l.spaces > 1
	if t.text == "" {
		t.text = l.rest[:n]
	}
	l.tokens = append(l.tokens, t)
	l.skip(n)
	l.spaces = 0
}

func (l *lexer) skip(n int) {
	l.before, l.rest = l.rest[n-1], l.rest[n:]
}

func (l *lexer) next() {
	c := l.rest[0]
	switch {
	case c == ' ':
		l.spaces++
		l.skip(1)
	case c == '\t':
		l.spaces += 2
		l.skip(1)
	case c == '\x1b':
		l.skip(escapeLength(l.rest))
		l.before = ' '
	case c < ' ' || c == 0x7f:
		l.skip(1)
	case c == '\'' || c == '"':
		l.quoted(c)
	default:
		if n := numberLength(l.rest, l.before); n > 0 {
			l.number(n)
		} else if n := wordLength(l.rest); n > 0 {
			l.word(n)
		} else {
			_, n := utf8.DecodeRuneInString(l.rest)
			l.add(token{kind: mark}, n)
		}
	}
}

// escapeLength returns the length of the terminal's control sequence that s
// begins with.
func escapeLength(s string) int {
	if len(s) < 2 || s[1] != '[' {
		return 1
	}
	for i := 2; i < len(s); i++ {
		if s[i] >= 0x40 && s[i] <= 0x7e {
			return i + 1
		}
	}
	return len(s)
}

// quoted reads a quoted name or number. Any other quote is a mark.
func (l *lexer) quoted(c byte) {
	end := strings.IndexByte(l.rest[1:min(len(l.rest), 66)], c)
	if end <= 0 {
		l.add(token{kind: mark}, 1)
		return
	}
	inner := l.rest[1 : 1+end]
	if n := numberLength(inner, ' '); n > 0 {
		sub := lexer{rest: inner, before: ' '}
		sub.number(n)
		if sub.rest == "" {
			t := sub.tokens[0]
			t.quote = true
			l.add(t, end+2)
			return
		}
	}
	t := token{kind: junk, text: inner, quote: true}
	if r, _ := utf8.DecodeRuneInString(inner); unicode.IsLetter(r) || r == '_' {
		t.kind = word
	}
	l.add(t, end+2)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// at returns the byte at i, 0 behind the end.
func at(s string, i int) byte {
	if i < len(s) {
		return s[i]
	}
	return 0
}

// numberLength returns how long the number is that s begins with.
func numberLength(s string, before byte) int {
	if letter(before) || digit(before) || before == '_' || before == '.' || before >= utf8.RuneSelf {
		return 0
	}
	i := 0
	if s[0] == '-' || s[0] == '+' {
		i++
	}
	if n := namedFloat(s[i:]); n > 0 {
		return i + n
	}
	start := i
	for digit(at(s, i)) {
		i++
	}
	for i > start && i-start <= 3 || i > start && at(s, i-4) == ',' {
		if at(s, i) != ',' || !digit(at(s, i+1)) || !digit(at(s, i+2)) || !digit(at(s, i+3)) || digit(at(s, i+4)) {
			break
		}
		i += 4
	}
	whole := i - start
	if at(s, i) == '.' && (whole > 0 || digit(at(s, i+1))) {
		i++
		for digit(at(s, i)) {
			whole++
			i++
		}
	}
	if whole == 0 {
		return 0
	}
	if e := i; at(s, e)|0x20 == 'e' {
		e++
		if at(s, e) == '-' || at(s, e) == '+' {
			e++
		}
		if digit(at(s, e)) {
			for digit(at(s, e)) {
				e++
			}
			i = e
		}
	}
	return i
}

// namedFloat returns the length of nan, inf or infinity at the head of s.
func namedFloat(s string) int {
	for _, name := range []string{"infinity", "inf", "nan"} {
		if len(s) >= len(name) && strings.EqualFold(s[:len(name)], name) {
			if c := at(s, len(name)); !letter(c) && !digit(c) && c != '_' {
				return len(name)
			}
		}
	}
	return 0
}

// number reads a number of n bytes and what belongs to it: its unit, or what
// shows that it is none.
func (l *lexer) number(n int) {
	text := strings.ReplaceAll(l.rest[:n], ",", "")
	value, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(value, 0) {
		l.add(token{kind: junk}, n)
		return
	}
	t := token{kind: number, text: l.rest[:n], value: value, whole: !strings.ContainsAny(text, ".eEnN")}
	c, after := at(l.rest, n), at(l.rest, n+1)
	switch {
	case t.whole && c == ':' && digit(after) && digit(at(l.rest, n+2)) && !digit(at(l.rest, n+3)):
		l.clock(n)
		return
	case (c == '.' || c == '-' || c == '_') && (letter(after) || digit(after)):
		l.junk(n)
		return
	case c == '%':
		t.unit = "%"
		n++
	case letter(c) || c >= utf8.RuneSelf || c == '/' && letter(after):
		end := n
		for end < len(l.rest) && (letter(l.rest[end]) || l.rest[end] == '/' || l.rest[end] >= utf8.RuneSelf) {
			end++
		}
		unit := l.rest[n:end]
		if !isUnit(unit) || digit(at(l.rest, end)) {
			if c >= utf8.RuneSelf {
				break // not a unit, but the next thing: 45%|███
			}
			l.junk(n)
			return
		}
		t.unit, n = unit, end
	case c == ' ':
		end := n + 1
		for end < len(l.rest) && l.rest[end] != ' ' && strings.IndexByte(",;|)]\t", l.rest[end]) < 0 {
			end++
		}
		if unit := l.rest[n+1 : end]; unit == "%" || len(unit) > 1 && isUnit(unit) {
			t.unit, n = unit, end
		}
	}
	l.add(t, n)
}

// junk takes all up to the next space or bracket.
func (l *lexer) junk(n int) {
	for n < len(l.rest) && strings.IndexByte(" \t,;|[](){}'\"", l.rest[n]) < 0 {
		n++
	}
	l.add(token{kind: junk}, n)
}

// clock reads minutes and seconds, perhaps with hours before them.
func (l *lexer) clock(n int) {
	end := n
	for end < len(l.rest) && (digit(l.rest[end]) || l.rest[end] == ':') {
		end++
	}
	seconds := 0.0
	for part := range strings.SplitSeq(l.rest[:end], ":") {
		v, err := strconv.Atoi(part)
		if err != nil {
			l.add(token{kind: junk}, end)
			return
		}
		seconds = seconds*60 + float64(v)
	}
	l.add(token{kind: clock, text: l.rest[:end], value: seconds}, end)
}

// wordLength returns how long the word is that s begins with.
func wordLength(s string) int {
	i := 0
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case unicode.IsLetter(r) || r == '_' || i > 0 && unicode.IsDigit(r):
			i += n
		case i > 0 && strings.ContainsRune("./@-#'+^", r) && i+1 < len(s) && (letter(s[i+1]) || digit(s[i+1])):
			i += n
		case i > 0 && r == '(':
			end := parens(s[i:])
			if end == 0 {
				return i
			}
			i += end
		default:
			return i
		}
	}
	return i
}

// parens returns the length of short balanced parentheses, as of D(G(z)).
func parens(s string) int {
	depth := 0
	for i := 0; i < len(s) && i < 16; i++ {
		switch c := s[i]; {
		case c == '(':
			depth++
		case c == ')':
			depth--
			if depth == 0 {
				if i == 1 {
					return 0
				}
				return i + 1
			}
		case !letter(c) && c != '%' && c != '_' && (!digit(c) || !letter(s[i-1])):
			return 0
		}
	}
	return 0
}

func (l *lexer) word(n int) {
	t := token{kind: word, text: l.rest[:n]}
	name, unit, ok := strings.Cut(t.text, "(")
	if unit = strings.TrimSuffix(unit, ")"); ok && (unit == "s" || unit == "%" || len(unit) > 1 && isUnit(unit)) {
		t.text, t.unit = name, unit // time(s), acc(%)
	}
	l.add(t, n)
}
