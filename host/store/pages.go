package store

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
)

// pageSize is that of the databases that mlhost makes.
const pageSize = 4096

// Kinds of pages of SQLite's file format.
const (
	pageIndexInner = 0x02
	pageIndexLeaf  = 0x0a
	pageTableLeaf  = 0x0d
)

// pageFile reads the pages of a database and of its log without SQLite: also
// those to which no other page leads any more.
type pageFile struct {
	db, log *os.File // nil: there is none
	wal     *walLog
	copied  int64 // up to there, the database is newer than what is left of its log
	size    int
	usable  int    // of a page
	inFile  uint32 // pages of the database file
	count   uint32
}

// openPages opens a database file, or what there is of it and its log.
func openPages(path string) (*pageFile, error) {
	p := &pageFile{size: pageSize}
	var err error
	if p.wal, err = readLog(path); err != nil {
		return nil, err
	}
	if p.db, err = openIfThere(path); err == nil && p.wal.committed() {
		p.log, err = openIfThere(path + "-wal")
	}
	if err == nil && p.db != nil {
		err = p.measure()
	}
	if err != nil {
		return nil, errors.Join(explain("read database", path, err), p.close())
	}
	if p.wal.committed() {
		p.copied = p.wal.copied(path)
		p.size = p.wal.pageSize
		p.count = max(p.count, p.wal.size)
	}
	p.usable = p.size
	if first := p.page(1); first != nil {
		p.usable -= int(first[20])
		if p.usable < 480 {
			p.usable = p.size
		}
	}
	return p, nil
}

func openIfThere(path string) (*os.File, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return file, err
}

func (p *pageFile) close() error {
	var errs []error
	for _, f := range []*os.File{p.db, p.log} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// measure finds out how large pages are, and how many the file has.
func (p *pageFile) measure() error {
	info, err := p.db.Stat()
	if err != nil {
		return err
	}
	head := make([]byte, 100)
	if n, _ := p.db.ReadAt(head, 0); n == len(head) && string(head[:15]) == "SQLite format 3" {
		if size := int(binary.BigEndian.Uint16(head[16:])); size >= 512 && size&(size-1) == 0 {
			p.size = size
		}
	}
	p.inFile = uint32(min(info.Size()/int64(p.size), math.MaxUint32))
	p.count = p.inFile
	return nil
}

// complete counts the pages that there are, of those that there must be.
func (p *pageFile) complete() (has, wants uint32) {
	wants = p.count
	if p.wal.committed() {
		wants = p.wal.size
	} else if first := p.page(1); first != nil && binary.BigEndian.Uint32(first[24:]) == binary.BigEndian.Uint32(first[92:]) {
		wants = binary.BigEndian.Uint32(first[28:])
	}
	if wants <= p.inFile {
		return wants, wants
	}
	has = p.inFile
	for n := p.inFile + 1; n <= wants; n++ {
		if p.wal != nil && p.wal.at[n] > 0 || n == 1<<30/uint32(p.size)+1 { // there, SQLite keeps its locks
			has++
		}
	}
	return has, wants
}

// page returns a page's newest content, nil where there is none.
func (p *pageFile) page(n uint32) []byte {
	data := make([]byte, p.size)
	at := int64(-1)
	if p.log != nil {
		if stands, ok := p.wal.at[n]; ok {
			at = stands
		}
	}
	switch {
	case at >= p.copied && readFull(p.log, data, at):
	case p.db != nil && n > 0 && readFull(p.db, data, int64(n-1)*int64(p.size)) && !blank(data):
	case at >= 0 && readFull(p.log, data, at):
	default:
		return nil
	}
	return data
}

func readFull(file *os.File, data []byte, at int64) bool {
	_, err := file.ReadAt(data, at)
	return err == nil
}

func blank(data []byte) bool {
	for _, b := range data {
		if b != 0 {
			return false
		}
	}
	return true
}

// free lists the pages that hold nothing any more, as far as it can be read.
func (p *pageFile) free() map[uint32]bool {
	out := map[uint32]bool{}
	first := p.page(1)
	if first == nil {
		return out
	}
	for trunk := binary.BigEndian.Uint32(first[32:]); trunk != 0 && !out[trunk]; {
		out[trunk] = true
		data := p.page(trunk)
		if data == nil {
			break
		}
		for i := range min(int(binary.BigEndian.Uint32(data[4:])), p.usable/4-2) {
			out[binary.BigEndian.Uint32(data[8+4*i:])] = true
		}
		trunk = binary.BigEndian.Uint32(data)
	}
	return out
}

// kind returns what a page is, and where its head stands.
func (p *pageFile) kind(n uint32, page []byte) (kind byte, head int) {
	if n == 1 {
		head = 100
	}
	return page[head], head
}

// cells calls take with the rows of a page of the given number: the row's
// number (0 in an index), and its columns. Cells that are not right are passed
// over, and counted.
func (p *pageFile) cells(n uint32, page []byte, take func(id int64, columns []any) bool) (bad int) {
	kind, head := p.kind(n, page)
	begin := 8
	if kind == pageIndexInner {
		begin = 12
	}
	count := int(binary.BigEndian.Uint16(page[head+3:]))
	if head+begin+2*count > p.usable {
		return 1
	}
	for i := range count {
		at := int(binary.BigEndian.Uint16(page[head+begin+2*i:]))
		id, payload, ok := p.cell(kind, page, at)
		var columns []any
		if ok {
			columns, ok = record(payload)
		}
		if !ok {
			bad++
			continue
		}
		if !take(id, columns) {
			break
		}
	}
	return bad
}

// cell reads the cell at an offset of a page.
func (p *pageFile) cell(kind byte, page []byte, at int) (id int64, payload []byte, ok bool) {
	if kind == pageIndexInner {
		at += 4 // the page that it leads to
	}
	if at < 8 || at >= p.usable {
		return 0, nil, false
	}
	rest := page[at:p.usable]
	size, n := varint(rest)
	if n == 0 || size > 64<<20 {
		return 0, nil, false
	}
	rest = rest[n:]
	if kind == pageTableLeaf {
		number, n := varint(rest)
		if n == 0 {
			return 0, nil, false
		}
		id, rest = int64(number), rest[n:]
	}
	local := p.local(kind, int(size))
	if local > len(rest) {
		return 0, nil, false
	}
	if local == int(size) {
		return id, rest[:local], true
	}
	if local+4 > len(rest) {
		return 0, nil, false
	}
	payload, ok = p.overflow(append([]byte(nil), rest[:local]...), int(size), binary.BigEndian.Uint32(rest[local:]))
	return id, payload, ok
}

// local is how much of a payload stands in its cell.
func (p *pageFile) local(kind byte, size int) int {
	most := p.usable - 35
	if kind != pageTableLeaf {
		most = (p.usable-12)*64/255 - 23
	}
	if size <= most {
		return size
	}
	least := (p.usable-12)*32/255 - 23
	if n := least + (size-least)%(p.usable-4); n <= most {
		return n
	}
	return least
}

// overflow appends what stands on further pages.
func (p *pageFile) overflow(payload []byte, size int, next uint32) ([]byte, bool) {
	for len(payload) < size {
		page := p.page(next)
		if next == 0 || page == nil {
			return nil, false
		}
		payload = append(payload, page[4:4+min(p.usable-4, size-len(payload))]...)
		next = binary.BigEndian.Uint32(page)
	}
	return payload, true
}

// varint reads a number of SQLite's; n is 0 where there is none.
func varint(b []byte) (v uint64, n int) {
	for n < min(len(b), 9) {
		if n == 8 {
			return v<<8 | uint64(b[n]), 9
		}
		v = v<<7 | uint64(b[n]&0x7f)
		n++
		if b[n-1] < 0x80 {
			return v, n
		}
	}
	return 0, 0
}

// record reads the columns of a row: nil, int64, float64, string or []byte. It
// reports false where they are not exactly as long as the row.
func record(payload []byte) ([]any, bool) {
	size, n := varint(payload)
	if n == 0 || size > uint64(len(payload)) || size < uint64(n) {
		return nil, false
	}
	kinds, body := payload[n:size], payload[size:]
	var columns []any
	for len(kinds) > 0 {
		kind, n := varint(kinds)
		if n == 0 {
			return nil, false
		}
		kinds = kinds[n:]
		value, length, ok := column(kind, body)
		if !ok {
			return nil, false
		}
		columns, body = append(columns, value), body[length:]
	}
	return columns, len(body) == 0
}

// column reads one value of the given serial type.
func column(kind uint64, body []byte) (value any, length int, ok bool) {
	switch kind {
	case 0:
		return nil, 0, true
	case 8, 9:
		return int64(kind - 8), 0, true
	case 10, 11:
		return nil, 0, false
	case 1, 2, 3, 4, 5, 6, 7:
		length = [...]int{1, 2, 3, 4, 6, 8, 8}[kind-1]
	default:
		if kind > 2<<30 {
			return nil, 0, false
		}
		length = int(kind-12) / 2
	}
	if length > len(body) {
		return nil, 0, false
	}
	body = body[:length]
	switch {
	case kind == 7:
		return math.Float64frombits(binary.BigEndian.Uint64(body)), length, true
	case kind < 7:
		n := int64(int8(body[0]))
		for _, b := range body[1:] {
			n = n<<8 | int64(b)
		}
		return n, length, true
	case kind%2 == 0:
		return append([]byte(nil), body...), length, true
	}
	return string(body), length, true
}
