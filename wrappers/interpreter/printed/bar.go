package printed

import (
	"strings"
)

// bar is a progress bar of tqdm.
type bar struct {
	done, total, rate, eta float64
	before, after          string // its description and its postfix
}

// readBar reads a line like
//
//	Epoch 3:  45%|████▌     | 45/100 [00:05<00:06,  9.10it/s, loss=0.5]
//	45it [00:05,  9.10it/s]
func readBar(line string) (b bar, ok bool) {
	open := strings.LastIndexByte(line, '[')
	end := strings.LastIndexByte(line, ']')
	if open < 0 || end < open {
		return b, false
	}
	head, inside := line[:open], line[open+1:end]
	elapsed, rest, _ := strings.Cut(inside, ",")
	elapsed, left, hasLeft := strings.Cut(elapsed, "<")
	if t := tokenize(elapsed); len(t) != 1 || t[0].kind != clock {
		return b, false
	}
	if before, _, found := strings.Cut(head, "%|"); found {
		amount := head[strings.LastIndexByte(head, '|')+1:]
		b.before = strings.TrimRight(strings.TrimRight(before, "0123456789"), " :")
		done, total, ok := strings.Cut(strings.TrimSpace(amount), "/")
		if !ok {
			return b, false
		}
		if b.done, ok = amountOf(done); !ok {
			return b, false
		}
		b.total, _ = amountOf(total)
	} else if b.done, ok = amountOf(strings.TrimSpace(head[strings.LastIndexByte(head, ' ')+1:])); !ok || hasLeft {
		// Without a total there is no bar: "desc: 45it [00:05, 9.1it/s]".
		fields := strings.Fields(head)
		if len(fields) == 0 || hasLeft {
			return b, false
		}
		if b.done, ok = amountOf(fields[len(fields)-1]); !ok {
			return b, false
		}
	}
	if t := tokenize(left); len(t) == 1 && t[0].kind == clock {
		b.eta = t[0].value
	}
	rate, after, _ := strings.Cut(rest, ",")
	b.after = after
	if isBytes(rate) {
		return b, false // a download is not how far the script is
	}
	b.rate = rateOf(strings.TrimSpace(rate))
	return b, true
}

// amountOf reads 45, 1.2k and 45it.
func amountOf(text string) (float64, bool) {
	text = strings.TrimSpace(text)
	n := 0
	if text != "" {
		n = numberLength(text, ' ')
	}
	if n == 0 {
		return 0, false
	}
	t := tokenize(text[:n])
	if len(t) != 1 || t[0].kind != number {
		return 0, false
	}
	value := t[0].value
	switch at(text, n) {
	case 'k':
		value *= 1e3
	case 'M':
		value *= 1e6
	case 'G':
		value *= 1e9
	}
	return value, true
}

func isBytes(rate string) bool {
	return strings.HasSuffix(rate, "B/s") || strings.HasSuffix(strings.TrimSpace(rate), "s/B")
}

// rateOf reads 9.10it/s and 1.30s/it.
func rateOf(text string) float64 {
	value, ok := amountOf(text)
	if !ok || value <= 0 {
		return 0
	}
	if n := numberLength(text, ' '); strings.HasPrefix(text[n:], "s/") {
		return 1 / value
	}
	return value
}
