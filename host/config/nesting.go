package config

import (
	"bytes"
	stdjson "encoding/json"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// HCL's parser and evaluator recurse: 200 KB of parentheses, or of
// `1+1+1+…`, overflow the stack, which nothing can recover from. So the
// tokens are counted first. The lexer itself does not recurse, and what it
// takes for a string, a comment or a template is what the parser takes for
// one.
const (
	maxNesting   = 200  // brackets, blocks and templates inside each other
	maxOperators = 2000 // deepest expression tree: operators in a row, plus what they enclose
	maxExponent  = 400  // beyond the range of a 64-bit float; 1e999999999 has a billion digits
)

// frame is one open bracket, block or template.
type frame struct {
	operators int  // in the expression being read
	deepest   int  // tree inside a bracket of that expression
	height    int  // tallest expression so far
	lines     bool // a newline ends an expression here
	controls  int  // open %{ if } and %{ for }
}

// end closes the expression being read.
func (f *frame) end() {
	f.height = max(f.height, f.operators+f.deepest)
	f.operators, f.deepest = 0, 0
}

// checkNesting refuses tokens that nest too deeply or chain too long.
func checkNesting(tokens hclsyntax.Tokens) hcl.Diagnostics {
	stack := []frame{{lines: true}}
	for i, t := range tokens {
		top := &stack[len(stack)-1]
		switch t.Type {
		case hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenOBrace, hclsyntax.TokenOQuote,
			hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			if t.Type == hclsyntax.TokenTemplateControl {
				top.controls += controlStep(tokens[i+1:])
			}
			top.operators += operatorStep(t.Type)
			stack = append(stack, frame{lines: t.Type == hclsyntax.TokenOBrace})
		case hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCBrace, hclsyntax.TokenCQuote,
			hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			if len(stack) > 1 {
				top.end()
				height := top.height + 1
				stack = stack[:len(stack)-1]
				top = &stack[len(stack)-1]
				top.deepest = max(top.deepest, height)
			}
		case hclsyntax.TokenComma:
			top.end()
		case hclsyntax.TokenNewline:
			if top.lines {
				top.end()
			}
		case hclsyntax.TokenNumberLit:
			if tooLarge(t.Bytes) {
				return hcl.Diagnostics{fault(t.Range, "Number too large", "The number is beyond the range of a 64-bit float.")}
			}
		default:
			if isOperator(t.Type) {
				top.operators++
			}
		}
		if len(stack)+top.controls > maxNesting {
			return hcl.Diagnostics{fault(t.Range, "Nested too deeply", "Brackets, blocks and templates may stand at most %d deep inside each other.", maxNesting)}
		}
		if top.operators+top.deepest > maxOperators {
			return hcl.Diagnostics{fault(t.Range, "Expression too long", "An expression may have at most %d operators.", maxOperators)}
		}
	}
	return nil
}

// operatorStep counts brackets that make the expression around them deeper:
// x[0][0]… is a tree as tall as it is long; templates and strings are not.
func operatorStep(t hclsyntax.TokenType) int {
	switch t {
	case hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenOBrace:
		return 1
	}
	return 0
}

// controlStep tells whether a %{ opens (1) or closes (-1) a level.
func controlStep(rest hclsyntax.Tokens) int {
	if len(rest) == 0 {
		return 0
	}
	switch string(rest[0].Bytes) {
	case "if", "for":
		return 1
	case "endif", "endfor":
		return -1
	}
	return 0
}

func isOperator(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPlus, hclsyntax.TokenMinus, hclsyntax.TokenPercent,
		hclsyntax.TokenEqual, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq,
		hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenBang,
		hclsyntax.TokenDot, hclsyntax.TokenDoubleColon, hclsyntax.TokenEllipsis, hclsyntax.TokenFatArrow,
		hclsyntax.TokenQuestion, hclsyntax.TokenColon:
		return true
	}
	return false
}

func tooLarge(number []byte) bool {
	i := bytes.IndexAny(number, "eE")
	if i < 0 {
		return false
	}
	exponent, err := strconv.Atoi(strings.TrimPrefix(string(number[i+1:]), "+"))
	return err != nil || exponent > maxExponent || exponent < -maxExponent
}

// checkJSONNesting does the same for JSON text, and for the templates in its
// strings.
func checkJSONNesting(src []byte, filename string) hcl.Diagnostics {
	depth := 0
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case c == '{' || c == '[':
			if depth++; depth > maxNesting {
				return hcl.Diagnostics{fault(rangeAt(src, filename, i), "Nested too deeply", "Objects and arrays may stand at most %d deep inside each other.", maxNesting)}
			}
		case c == '}' || c == ']':
			depth--
		case c == '"':
			end := jsonStringEnd(src, i)
			if d := checkJSONString(src[i:end]); d != nil {
				d.Subject = rangeAt(src, filename, i).Ptr()
				return hcl.Diagnostics{d}
			}
			i = end - 1
		case c == '-' || (c >= '0' && c <= '9'):
			end := i + 1
			for end < len(src) && strings.IndexByte("0123456789.eE+-", src[end]) >= 0 {
				end++
			}
			if tooLarge(src[i:end]) {
				return hcl.Diagnostics{fault(rangeAt(src, filename, i), "Number too large", "The number is beyond the range of a 64-bit float.")}
			}
			i = end - 1
		}
	}
	return nil
}

// jsonStringEnd returns the offset behind the string that starts at i.
func jsonStringEnd(src []byte, i int) int {
	for j := i + 1; j < len(src); j++ {
		switch src[j] {
		case '\\':
			j++
		case '"':
			return j + 1
		}
	}
	return len(src)
}

// checkJSONString bounds the expressions inside a JSON string, which HCL
// parses as a template. The diagnostic has no place yet.
func checkJSONString(literal []byte) *hcl.Diagnostic {
	var text string
	_ = stdjson.Unmarshal(literal, &text) // what is no string, the parser will say
	if !strings.Contains(text, "${") && !strings.Contains(text, "%{") {
		return nil
	}
	tokens, _ := hclsyntax.LexTemplate([]byte(text), "", hcl.InitialPos)
	if diags := checkNesting(tokens); diags.HasErrors() {
		return diags[0]
	}
	return nil
}
