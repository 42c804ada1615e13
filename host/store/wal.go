package store

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
)

// What SQLite's file format says of a write-ahead log and of its index.
const (
	walHeader      = 32
	walFrameHeader = 24
	walLittle      = 0x377f0682 // the magic number, where sums are over little-endian words
	walBig         = 0x377f0683
	walIndexHeader = 48
)

// walLog is what a write-ahead log holds. SQLite takes its frames up to the
// first one that is not right. The sums, each over the one before it, tell of
// the ones behind that as well.
type walLog struct {
	pageSize int
	salts    [8]byte
	at       map[uint32]int64 // where the newest committed content of each page stands
	size     uint32           // pages of the database after the last commit; 0: nothing is committed
	taken    int              // frames that SQLite takes
	behind   int              // commits behind those
	bad      int              // frames before the last commit that are not right
}

// walSum is the sum of SQLite's log.
type walSum [2]uint32

func (s walSum) add(order binary.ByteOrder, data []byte) walSum {
	for ; len(data) >= 8; data = data[8:] {
		s[0] += order.Uint32(data) + s[1]
		s[1] += order.Uint32(data[4:]) + s[0]
	}
	return s
}

func sumAt(b []byte) walSum {
	return walSum{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
}

// readLog reads the log of a database; nil where there is none, or nothing in it.
func readLog(path string) (*walLog, error) {
	file, err := os.Open(path + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, explain("read log", path+"-wal", err)
	}
	defer file.Close()
	in := bufio.NewReaderSize(file, 1<<20)
	head := make([]byte, walHeader)
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, noMore(path, err)
	}
	l := &walLog{pageSize: int(binary.BigEndian.Uint32(head[8:])), at: map[uint32]int64{}}
	order, sound := l.begin(head)
	return l, noMore(path, l.frames(in, order, sumAt(head[24:]), sound))
}

func noMore(path string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return explain("read log", path+"-wal", err)
}

// begin reads the log's head, and reports whether it is right.
func (l *walLog) begin(head []byte) (binary.ByteOrder, bool) {
	magic := binary.BigEndian.Uint32(head)
	var order binary.ByteOrder = binary.LittleEndian
	if magic == walBig {
		order = binary.BigEndian
	}
	copy(l.salts[:], head[16:24])
	sound := (magic == walBig || magic == walLittle) && walSum{}.add(order, head[:24]) == sumAt(head[24:])
	if !sound {
		l.pageSize = pageSize // as all of ours
	}
	return order, sound
}

// frames reads to the end of the log. sum is the sum before the first frame.
func (l *walLog) frames(in io.Reader, order binary.ByteOrder, sum walSum, sound bool) error {
	if l.pageSize < 512 || l.pageSize > 1<<16 {
		return nil
	}
	frame := make([]byte, walFrameHeader+l.pageSize)
	waiting := map[uint32]int64{} // committed with the next commit
	unbroken, bad := sound, 0
	for n := 1; ; n++ {
		if _, err := io.ReadFull(in, frame); err != nil {
			return err
		}
		if !sound && n == 1 {
			copy(l.salts[:], frame[8:16])
		}
		before := sum
		sum = sumAt(frame[16:])
		right := bytes.Equal(frame[8:16], l.salts[:]) && before.add(order, frame[:8]).add(order, frame[walFrameHeader:]) == sum
		if !right {
			unbroken = false
			bad++
			continue
		}
		waiting[binary.BigEndian.Uint32(frame)] = walHeader + int64(n-1)*int64(len(frame)) + walFrameHeader
		commit := binary.BigEndian.Uint32(frame[4:])
		if commit == 0 {
			continue
		}
		maps.Copy(l.at, waiting)
		clear(waiting)
		l.size, l.bad = commit, bad
		if unbroken {
			l.taken = n
		} else {
			l.behind++
		}
	}
}

// walIndex is what the file beside a log tells of it.
type walIndex struct {
	frames uint32 // in the log
	copied uint32 // of them, into the database
	salts  [8]byte
}

// readIndex reads what was last told of a database's log; false where that is
// not known. It tells of a log that was written before the machine went down
// no more than that it was at least as long.
func readIndex(path string) (walIndex, bool) {
	data := make([]byte, 2*walIndexHeader+4)
	file, err := os.Open(path + "-shm")
	if err != nil {
		return walIndex{}, false
	}
	defer file.Close()
	if _, err := io.ReadFull(file, data); err != nil {
		return walIndex{}, false
	}
	head := data[:walIndexHeader]
	order := nativeOrder()
	if !bytes.Equal(head, data[walIndexHeader:2*walIndexHeader]) || head[12] == 0 ||
		(walSum{}).add(order, head[:40]) != (walSum{order.Uint32(head[40:]), order.Uint32(head[44:])}) {
		return walIndex{}, false
	}
	i := walIndex{frames: order.Uint32(head[16:]), copied: order.Uint32(data[2*walIndexHeader:])}
	copy(i.salts[:], head[32:40])
	return i, true
}

func nativeOrder() binary.ByteOrder {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return binary.LittleEndian
	}
	return binary.BigEndian
}

// missing tells what of the log is not there, or is not right, so that SQLite,
// which takes no notice of that, would go back to what was before it; "" where
// there is nothing to tell. What a host leaves that is killed, or a machine
// that goes down, is one last commit that is not whole.
func (l *walLog) missing(path string) string {
	index, known := readIndex(path)
	switch {
	case l == nil:
		if known && index.frames > index.copied {
			return fmt.Sprintf("its log is missing, with %d pages", index.frames)
		}
	case l.behind > 1:
		return fmt.Sprintf("its log is damaged: %d of its pages are not right", max(l.bad, 1))
	case known && index.salts == l.salts && int(index.frames) > l.taken:
		return fmt.Sprintf("its log is cut off or damaged: of %d pages %d are right", index.frames, l.taken)
	}
	return ""
}

// copied returns where the frames end of which the database has what is as new
// or newer: not all that were written are left.
func (l *walLog) copied(path string) int64 {
	index, known := readIndex(path)
	if !known || index.salts != l.salts || int(index.frames) <= l.taken {
		return 0
	}
	return walHeader + int64(index.copied)*int64(walFrameHeader+l.pageSize)
}

// committed reports whether the log holds anything.
func (l *walLog) committed() bool { return l != nil && l.size > 0 }
