package store

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

func letter(target string, n int) script.Message {
	return script.Message{
		ID: "m" + strconv.Itoa(n), Kind: script.Tell, Source: "a", Target: target, Topic: "data",
		Data: script.Map(map[string]script.Value{"n": script.Int(int64(n))}),
	}
}

func ids(messages []script.Message) string {
	var out []string
	for _, m := range messages {
		out = append(out, m.ID)
	}
	return strings.Join(out, " ")
}

func TestMailboxKeepsOrder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	ctx := t.Context()
	ok(t, s.Enqueue(ctx, []script.Message{letter("b", 1), letter("b", 2)}))
	s.EnqueueLater(letter("b", 3), letter("c", 3))
	s.EnqueueLater(letter("b", 4))
	ok(t, s.Enqueue(ctx, []script.Message{letter("b", 5), letter("b", 1)})) // 1 is known
	ok(t, s.Close())
	s = open(t, dir)
	mail, err := s.Mail(ctx, "b", 0)
	ok(t, err)
	if got := ids(mail); got != "m1 m2 m3 m4 m5" {
		t.Errorf("mail is %s", got)
	}
	if n, _ := mail[0].Data.Map(); !n["n"].Equal(script.Int(1)) || mail[0].Source != "a" || mail[0].Time.IsZero() {
		t.Errorf("message is %+v", mail[0])
	}
	ok(t, s.Acknowledge(ctx, "b", "m1", "m3", "m3", "unknown"))
	ok(t, s.Acknowledge(ctx, "b", "m1"))
	ok(t, s.Enqueue(ctx, []script.Message{letter("b", 1)})) // acknowledged once, for all
	mail, err = s.Mail(ctx, "b", 2)
	ok(t, err)
	if got := ids(mail); got != "m2 m4" {
		t.Errorf("mail is %s", got)
	}
	boxes, err := s.Mailboxes(ctx)
	ok(t, err)
	if boxes["b"] != 3 || boxes["c"] != 1 {
		t.Errorf("mailboxes are %v", boxes)
	}
	if _, done, err := s.FindMail(ctx, "m1"); err != nil || !done {
		t.Errorf("m1: %v %v", done, err)
	}
	if m, done, err := s.FindMail(ctx, "m2"); err != nil || done || m.Target != "b" {
		t.Errorf("m2: %+v %v %v", m, done, err)
	}
	if _, _, err := s.FindMail(ctx, "m9"); script.CodeOf(err) != script.CodeNotFound {
		t.Errorf("m9: %v", err)
	}
}

func TestFullMailbox(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	var all []script.Message
	for n := range MailboxMessages {
		all = append(all, letter("b", n))
	}
	ok(t, s.Enqueue(ctx, all))
	err := s.Enqueue(ctx, []script.Message{letter("c", 1), letter("b", 5000)})
	if script.CodeOf(err) != script.CodeMailboxFull || !strings.Contains(err.Error(), "1000") {
		t.Errorf("one more: %v", err)
	}
	ok(t, s.Enqueue(ctx, []script.Message{letter("c", 2)}))
	if mail, err := s.Mail(ctx, "c", 0); err != nil || ids(mail) != "m2" { // all or none
		t.Errorf("mail of c is %v, %v", mail, err)
	}
	s.EnqueueLater(letter("b", 6000)) // dropped
	ok(t, s.Acknowledge(ctx, "b", "m0"))
	ok(t, s.Enqueue(ctx, []script.Message{letter("b", 7000)}))
	s.mailBytes = 4 << 20
	big := letter("d", 1)
	big.Data = script.String(strings.Repeat("x", 1<<20))
	for n := range 3 {
		big.ID = strconv.Itoa(n)
		ok(t, s.Enqueue(ctx, []script.Message{big}))
	}
	big.ID = "last"
	if err := s.Enqueue(ctx, []script.Message{big}); script.CodeOf(err) != script.CodeMailboxFull || !strings.Contains(err.Error(), "at most 4 MiB") {
		t.Errorf("too many bytes: %v", err)
	}
	if err := s.Enqueue(ctx, []script.Message{{ID: "x"}}); err == nil {
		t.Error("a message without target was taken")
	}
}

func TestMailFromManySides(t *testing.T) {
	s := open(t, t.TempDir())
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for n := range 20 {
				if err := s.Enqueue(t.Context(), []script.Message{letter("b", 100*w+n)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	mail, err := s.Mail(t.Context(), "b", 0)
	ok(t, err)
	last := map[int]int{}
	for _, m := range mail {
		n, err := strconv.Atoi(m.ID[1:])
		ok(t, err)
		if before, known := last[n/100]; known && n <= before {
			t.Errorf("%d came after %d", n, before)
		}
		last[n/100] = n
	}
	if len(mail) != 160 {
		t.Errorf("%d messages", len(mail))
	}
}
